# cmake, ninja, make and g++: a project of a library, a program and tests, in debug and release, static and with sanitizers, with C++20 and threads.
mkdir -p p/src p/test; cat > p/CMakeLists.txt <<'END'
cmake_minimum_required(VERSION 3.18)
project(Words VERSION 1.2.3 LANGUAGES C CXX)
set(CMAKE_CXX_STANDARD 20)
find_package(Threads REQUIRED)
include(CheckIncludeFile)
check_include_file(sys/epoll.h HAVE_EPOLL)
configure_file(config.h.in config.h)
add_library(words SHARED src/words.cpp src/c.c)
target_include_directories(words PUBLIC src ${CMAKE_CURRENT_BINARY_DIR})
add_executable(count src/main.cpp)
target_link_libraries(count words Threads::Threads)
add_custom_command(OUTPUT made.txt COMMAND count /usr/share/common-licenses/GPL-3 > made.txt DEPENDS count)
add_custom_target(report ALL DEPENDS made.txt)
enable_testing()
foreach(n 1 2 3)
 add_test(NAME t${n} COMMAND count --threads ${n})
endforeach()
add_test(NAME fails COMMAND count --fail)
set_tests_properties(fails PROPERTIES WILL_FAIL TRUE)
install(TARGETS count words)
END
echo '#define VERSION "@PROJECT_VERSION@"
#cmakedefine HAVE_EPOLL' > p/config.h.in; printf '#include <math.h>\ndouble root(double x) { return sqrt(x); }\n' > p/src/c.c; printf '#pragma once\n#include <map>\n#include <string>\n#include <string_view>\nstd::map<std::string, int> words(std::string_view);\nextern "C" double root(double);\n' > p/src/words.h
printf '#include "words.h"\n#include <regex>\nstd::map<std::string, int> words(std::string_view s) { std::map<std::string, int> m; std::string t(s); std::regex r("[A-Za-z]+"); for (std::sregex_iterator i(t.begin(), t.end(), r), e; i != e; ++i) m[i->str()]++; return m; }\n' > p/src/words.cpp
cat > p/src/main.cpp <<'END'
#include "words.h"
#include "config.h"
#include <algorithm>
#include <atomic>
#include <chrono>
#include <coroutine>
#include <filesystem>
#include <fstream>
#include <future>
#include <iostream>
#include <memory>
#include <numeric>
#include <ranges>
#include <sstream>
#include <thread>
#include <vector>
struct gen { struct promise_type { int v; gen get_return_object() { return {std::coroutine_handle<promise_type>::from_promise(*this)}; } std::suspend_always initial_suspend() { return {}; } std::suspend_always final_suspend() noexcept { return {}; } std::suspend_always yield_value(int x) { v = x; return {}; } void return_void() {} void unhandled_exception() {} }; std::coroutine_handle<promise_type> h; };
gen count(int n) { for (int i = 0; i < n; i++) co_yield i * i; }
struct thrower { ~thrower() { std::cout << "unwound\n"; } }; void f(int n) { thrower t; if (n == 0) throw std::runtime_error("thrown"); f(n - 1); }
int main(int argc, char **argv) {
	std::string a = argc > 1 ? argv[1] : ""; if (a == "--fail") return 3;
	if (a == "--threads") { std::atomic<long> n = 0; std::vector<std::thread> ts; for (int i = 0; i < 4 * std::stoi(argv[2]); i++) ts.emplace_back([&] { for (int k = 0; k < 10000; k++) n++; }); for (auto &t : ts) t.join(); return n == 40000 * std::stoi(argv[2]) ? 0 : 1; }
	std::ifstream in(a); std::stringstream s; s << in.rdbuf(); auto m = words(s.str()); std::vector<std::pair<int, std::string>> v; for (auto &[w, n] : m) v.push_back({n, w}); std::ranges::sort(v, std::greater{}); for (auto &[n, w] : v | std::views::take(3)) std::cout << w << ' ' << n << '\n';
	auto g = count(5); int t = 0; for (g.h.resume(); !g.h.done(); g.h.resume()) t += g.h.promise().v; g.h.destroy(); std::cout << VERSION << ' ' << t << ' ' << root(2) << ' ' << std::async(std::launch::async, [] { return 42; }).get() << ' ' << std::filesystem::path("/a/b.c").extension() << '\n'; try { f(3); } catch (std::exception &e) { std::cout << e.what() << '\n'; } thread_local int tl = 5; std::thread([] { tl = 6; }).join(); std::cout << tl << std::endl;
}
END
for g in Ninja 'Unix Makefiles'; do for b in Debug Release; do d="b-${g%% *}-$b"; cmake -S p -B $d -G "$g" -DCMAKE_BUILD_TYPE=$b > log 2>&1; echo cmake $?; grep -c 'Looking for sys/epoll.h - found' log; cmake --build $d -j 2 > log 2>&1; echo build $?; cat $d/made.txt; (cd $d; ctest -j 2 2>&1 | grep 'tests passed'); done; done; cmake --install b-Ninja-Release --prefix /work/inst > /dev/null; find inst -type f -o -type l | sort; LD_LIBRARY_PATH=inst/lib inst/bin/count /dev/null | tail -n 1
touch p/src/c.c; ninja -C b-Ninja-Debug -n | grep -c 'Building C object'; ninja -C b-Ninja-Debug > /dev/null; ninja -C b-Ninja-Debug | tail -n 1; make -C b-Unix-Debug -s -j 2 > /dev/null; echo $?; cmake -E sha256sum p/src/c.c; cmake -E tar czf t.tgz p && cmake -E tar tzf t.tgz | wc -l
g++ -std=c++20 -O3 -march=x86-64-v2 -static -Ip/src -Ib-Ninja-Debug p/src/main.cpp p/src/words.cpp -xc p/src/c.c -o static -lm && ./static /usr/share/common-licenses/GPL-3 | md5sum; g++ -std=c++20 -g -O1 -flto -Ip/src -Ib-Ninja-Debug p/src/main.cpp p/src/words.cpp -xc p/src/c.c -o lto -lm && ./lto /usr/share/common-licenses/GPL-3 | md5sum; echo 'int main() { int a[2]; volatile int i = 1; a[i] = 2147483647; a[i] += i; return a[i] != 0; }' > u.cpp; g++ -fsanitize=undefined u.cpp -o u && ./u 2>&1 | grep -o 'signed integer overflow'; echo 'int main() { return x; }' > e.cpp; g++ e.cpp 2>&1 | head -n 2; rm -rf p b-* inst log static lto u *.cpp *.tgz
