# Java's collector ZGC.
printf 'class A { public static void main(String[] a) { byte[][] b = new byte[8][]; for (int i = 0; i < 2000; i++) b[i %% 8] = new byte[1 << 20]; System.out.println("collected"); } }' > A.java; java -Xmx64m -XX:-UsePerfData -XX:+UseZGC A.java 2>&1; echo $?; rm -f A.java hs_err*
