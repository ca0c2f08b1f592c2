// Nothing is here: with a file of assembly in the package, clock_unsafe.go may declare a function that the runtime has.
