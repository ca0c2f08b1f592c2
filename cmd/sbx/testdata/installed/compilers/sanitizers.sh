# gcc's sanitizers of addresses, leaks and threads: each tells of a program's fault.
printf 'int main() { int *p = new int[4]; delete[] p; return p[2]; }\n' > s.cpp; g++ -g -fsanitize=address s.cpp -o s && ./s 2> err; echo $?; grep -o 'heap-use-after-free' err | head -n 1
printf '#include <thread>\nint n; int main() { std::thread t([] { n++; }); n++; t.join(); }\n' > s.cpp; g++ -g -fsanitize=thread s.cpp -o s && ./s 2> err; echo $?; grep -o 'data race' err | head -n 1
printf '#include <cstdlib>\nint main() { malloc(10); }\n' > s.cpp; g++ -g -fsanitize=leak s.cpp -o s && ./s 2> err; echo $?; grep -o 'detected memory leaks' err | head -n 1; rm s s.cpp err
