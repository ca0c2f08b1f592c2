# OCaml: to bytecode and to machine code, threads, processes, sockets, exceptions, the collector, the toplevel.
cat > t.ml <<'END'
module M = Map.Make (String)
let rec fib n = if n < 2 then n else fib (n - 1) + fib (n - 2)
type shape = Circle of float | Square of float
let area = function Circle r -> 3.0 *. r *. r | Square s -> s *. s
exception Mine of int
let () =
  Printf.printf "%d %.2f %s\n%!" (fib 25) (area (Circle 2.)) (String.uppercase_ascii "abc");
  let m = ref M.empty in for i = 0 to 99999 do m := M.update ("k" ^ string_of_int (i mod 1000)) (function None -> Some i | Some x -> Some (x + i)) !m done; Printf.printf "%d %d\n%!" (M.cardinal !m) (M.find "k7" !m);
  (try raise (Mine 3) with Mine n -> Printf.printf "caught %d\n%!" n); (try ignore (1 / (Sys.argv |> Array.length |> fun x -> x - x)) with Division_by_zero -> print_endline "div"); (try ignore [|1|].(5 + Array.length Sys.argv) with Invalid_argument s -> print_endline s); let rec deep n = 1 + deep (n + 1) in (try ignore (deep 0) with Stack_overflow -> print_endline "stack overflow");
  let m = Mutex.create () and n = ref 0 in List.init 4 (fun _ -> Thread.create (fun () -> for _ = 1 to 1000 do Mutex.lock m; incr n; Mutex.unlock m done) ()) |> List.iter Thread.join; Printf.printf "%d\n%!" !n;
  (match Unix.fork () with 0 -> Unix._exit 5 | pid -> match Unix.waitpid [] pid with _, Unix.WEXITED c -> Printf.printf "%d\n%!" c | _ -> ()); let ic = Unix.open_process_in "echo piped; exit 3" in print_endline (input_line ic); (match Unix.close_process_in ic with Unix.WEXITED c -> Printf.printf "%d\n%!" c | _ -> ());
  let s = Unix.socket Unix.PF_INET Unix.SOCK_STREAM 0 in Unix.bind s (Unix.ADDR_INET (Unix.inet_addr_loopback, 0)); Unix.listen s 5; let t = Thread.create (fun () -> let c, _ = Unix.accept s in ignore (Unix.write_substring c "hello" 0 5); Unix.close c) () in let c = Unix.socket Unix.PF_INET Unix.SOCK_STREAM 0 in Unix.connect c (Unix.getsockname s); let b = Bytes.create 5 in let n = Unix.read c b 0 5 in Printf.printf "%d %s\n%!" n (Bytes.to_string b); Thread.join t; Sys.set_signal Sys.sigusr1 (Sys.Signal_handle (fun _ -> print_endline "signal")); Unix.kill (Unix.getpid ()) Sys.sigusr1; Unix.sleepf 0.02; for i = 1 to 100 do ignore (Array.make 10000 (string_of_int i)) done; Gc.compact (); Printf.printf "%b %s\n%!" ((Gc.stat ()).Gc.live_words < 3000000) (Digest.to_hex (Digest.string "x")); at_exit (fun () -> print_endline "at exit"); exit 7
END
ocamlfind ocamlopt -version > /dev/null 2>&1; u="-I +unix -I +threads unix.cmxa threads.cmxa"; ocamlopt -w -a $u t.ml -o native && ./native; echo $?; ocamlc -w -a ${u//cmxa/cma} t.ml -o byte && OCAMLRUNPARAM=l=1M ./byte; echo $?; echo 'let f x = x * 2;; print_int (f 21);;' > s.ml; ocaml s.ml; echo; echo 'let x : int = "a"' > bad.ml; ocamlc bad.ml 2>&1 | grep Error; echo '1 + 1;;' | ocaml -noprompt 2>&1 | tail -n 2; rm t.* s.ml bad.* native byte
