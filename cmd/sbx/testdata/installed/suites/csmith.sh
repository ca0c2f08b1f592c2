# Random programs, each compiled in four ways: the checksums of their globals. These seeds make programs that end soon.
for seed in 101 102 103 104 105 106 107 108 109 110 111 113 115 116 117 119 120 121 122 125 127 128 129 130; do
	csmith --seed $seed > p.c || { echo "$seed csmith $?"; continue; }
	for how in -O0 -O1 "-O2 -march=x86-64-v3" "-O3 -funroll-loops"; do
		gcc -w $how -I/usr/include/csmith p.c -o p || { echo "$seed gcc $how $?"; continue; }
		timeout 60 ./p > out
		echo "$seed $how: $? $(cat out)"
	done
done
rm -f p p.c out platform.info
