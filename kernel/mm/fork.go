package mm

import (
	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/cpu/memory"
)

// Fork is the address space of fork(2)'s child: a copy, in which shared maps are
// shared. Private pages that were never written cost nothing. account is
// the child's.
func (s *Space) Fork(account Account) (*Space, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.full(0) || areasInUse.Load()+int64(len(s.areas)) > areaBudget() {
		return nil, linux.ENOMEM
	}
	c, err := New(s.host, account)
	if err != nil {
		return nil, linux.ENOMEM
	}
	c.brkStart, c.brk, c.strings = s.brkStart, s.brk, s.strings
	for _, a := range s.areas {
		if a.noFork {
			continue
		}
		if err := c.inherit(s, a); err != nil {
			c.Unref()
			return nil, linux.ENOMEM
		}
	}
	c.publishCode()
	c.exec.Inherit(s.exec)
	return c, nil
}

// inherit makes an area of the child's from one of the parent's.
func (c *Space) inherit(s *Space, a *area) error {
	n := a.end - a.start
	if a.charged {
		if err := c.pay(int64(n)); err != nil {
			return err
		}
	}
	if a.lazy && c.account.Reserve(int64(n)) != nil {
		return linux.ENOMEM
	}
	b := *a
	b.obj.ref()
	if b.obj != nil && b.obj.segment != nil {
		b.obj.segment.touch(s.pid(), true)
	}
	if b.tracked() {
		b.told = b.always()
		b.obj.users.add(c)
	}
	c.areas = append(c.areas, &b)
	c.count(1)
	if a.beyond {
		return nil
	}
	if a.src.Shared || a.wipe || a.lazy || a.blank || a.pristine() {
		return c.mapArea(&b, true)
	}
	// Pages are copied before they get their protection.
	if err := c.mapAs(&b, memory.Read|memory.Write, true); err != nil {
		return err
	}
	if _, err := c.window.CopyFrom(s.window, a.start, n); err != nil {
		return err
	}
	if p := windowProt(a.prot); p != memory.Read|memory.Write {
		return c.window.Protect(a.start, n, p)
	}
	return nil
}
