// Package verify proves of the machine code that package rewrite makes that it
// cannot hurt the host, whatever it computes. It was written apart from the
// emitter and shares nothing with it but the layout of the thread's state and the
// decoder's reading of an instruction's fields: a mistake has to be made twice to
// go unseen.
//
// What is proven of a block, by one sweep over it:
//
//   - every byte belongs to an instruction that is on a list, and execution cannot
//     run off the end;
//   - every memory operand has GS and a 32-bit address and so lies in the guest's window
//     (or faults in the room behind it), or is a field of the State as wide as the
//     field is, at a distance from RSP, and only fields that code may write are written;
//   - nothing names RSP otherwise, so nothing can change it and no guest learns it;
//   - string instructions, whose destination has no segment, appear in one form alone,
//     in which RDI is a window address and is made the guest's again behind it;
//   - the only indirect branches are jumps, calls and returns by way of the table, with an index that cannot leave it;
//   - what calls push, but for those of the exits, goes to a field of the State that code can't read, and RSP is
//     what it was behind them; a return takes what the instruction before it has put there;
//   - ways into the block are instructions that are not within such a sequence;
//   - direct branches lead to an instruction of the block that is not within such a
//     fixed sequence, or to another block's entry.
package verify
