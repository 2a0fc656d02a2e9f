/** Starts Trino, and ends it when standard input ends: when whoever started it has ended, however that came. */
public final class Start
{
    public static void main(String[] arguments)
    {
        Thread watch = new Thread(() -> {
            try {
                while (System.in.read() >= 0) {
                }
            }
            catch (java.io.IOException e) {
                // as good as its end
            }
            Runtime.getRuntime().halt(0);
        });
        watch.setDaemon(true);
        watch.start();
        new io.trino.server.Server().start("435");
    }
}
