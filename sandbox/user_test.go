package sandbox

import (
	"reflect"
	"testing"
)

const (
	testPasswd = "root:x:0:0:root:/root:/bin/sh\n# a comment\nbroken\ndaemon:x:1:1::/usr/sbin:/bin/false\n" +
		"ann:x:1000:1000:Ann,,,:/home/ann:/bin/bash\nnohome:x:1001:100:::\nbig:x:99999999999:0::/:/bin/sh\n"
	testGroup = "root:x:0:\nwheel:x:10:ann,root\nvideo:x:44:ann\nann:x:1000:\nusers:x:100:nohome\nbad\n"
)

func TestFindUser(t *testing.T) {
	for _, c := range []struct {
		spec string
		add  []string
		want Identity
		err  string
	}{
		{spec: "", want: Identity{Home: "/root", Name: "root", Groups: []uint32{10}}},
		{spec: "ann", want: Identity{UID: 1000, GID: 1000, Home: "/home/ann", Name: "ann", Groups: []uint32{10, 44}}},
		{spec: "1000", want: Identity{UID: 1000, GID: 1000, Home: "/home/ann", Name: "ann", Groups: []uint32{10, 44}}},
		{spec: "ann:video", want: Identity{UID: 1000, GID: 44, Home: "/home/ann", Name: "ann"}},
		{spec: "ann:7", want: Identity{UID: 1000, GID: 7, Home: "/home/ann", Name: "ann"}},
		{spec: "ann:", want: Identity{UID: 1000, GID: 1000, Home: "/home/ann", Name: "ann", Groups: []uint32{10, 44}}},
		{spec: "4242", want: Identity{UID: 4242, Home: "/"}},
		{spec: "4242:4243", want: Identity{UID: 4242, GID: 4243, Home: "/"}},
		{spec: "nohome", want: Identity{UID: 1001, GID: 100, Home: "/", Name: "nohome", Groups: []uint32{100}}},
		{spec: "ann", add: []string{"users", "77"}, want: Identity{UID: 1000, GID: 1000, Home: "/home/ann", Name: "ann", Groups: []uint32{10, 44, 100, 77}}},
		{spec: "nobody", err: "unable to find user nobody: no matching entries in the image's passwd file"},
		{spec: "big", err: "unable to find user big: no matching entries in the image's passwd file"},
		{spec: "ann:crew", err: "unable to find group crew: no matching entries in the image's group file"},
		{spec: "-1", err: "unable to find user -1: no matching entries in the image's passwd file"},
	} {
		got, err := findUser(c.spec, []byte(testPasswd), []byte(testGroup), c.add)
		if c.err != "" {
			if err == nil || err.Error() != c.err {
				t.Errorf("%q: error %v, want %s", c.spec, err, c.err)
			}
			continue
		}
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%q: %+v %v, want %+v", c.spec, got, err, c.want)
		}
	}
	if got, err := findUser("0", nil, nil, nil); err != nil || got.Home != "/root" {
		t.Errorf("no passwd: %+v %v", got, err)
	}
}

func FuzzFindUser(f *testing.F) {
	f.Add("ann:video", testPasswd, testGroup)
	f.Add(":", ":::::::", "::")
	f.Fuzz(func(t *testing.T, spec, passwd, group string) {
		_, _ = findUser(spec, []byte(passwd), []byte(group), []string{spec})
	})
}
