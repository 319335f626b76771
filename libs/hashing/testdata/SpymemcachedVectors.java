import java.lang.reflect.Proxy;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import net.spy.memcached.DefaultHashAlgorithm;
import net.spy.memcached.KetamaNodeLocator;
import net.spy.memcached.MemcachedNode;
import net.spy.memcached.util.DefaultKetamaNodeLocatorConfiguration;

/** Writes spymemcached.json: where spymemcached's ketama locator puts the keys. Nothing is connected to. */
public class SpymemcachedVectors {
  record Server(String name, String host, int port, int weight) {}

  static final List<String> sets = new ArrayList<>();
  static List<String> keys;

  public static void main(String[] arguments) throws Exception {
    keys = Files.readAllLines(Path.of("keys.txt"), StandardCharsets.UTF_8);
    add(pool(1, 11211, "", 1));
    add(pool(3, 11211, "", 1));
    add(pool(4, 22120, "", 1, 2, 3, 5));
    add(pool(7, 11211, "cache", 1));
    add(pool(12, 11211, "", 1));
    add(pool(9, 11300, "node-", 100, 7, 33, 1, 64, 50, 99, 12, 28));
    String text = "{\"program\":\"libspymemcached-java 2.12.3 (Debian 2.12.3+dfsg-3), Java "
        + System.getProperty("java.version") + "\",\"sets\":[" + String.join(",", sets) + "]}\n";
    Files.writeString(Path.of("spymemcached.json"), text);
  }

  /** With a host prefix, addresses carry a name as they do when a name was resolved. */
  static List<Server> pool(int count, int firstPort, String hostPrefix, int... weights) {
    List<Server> servers = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      String host = "10.2.0." + (i + 1);
      int port = firstPort + i % 3;
      String name = hostPrefix.isEmpty() ? "" : hostPrefix + i + "/" + host + ":" + port;
      servers.add(new Server(name, host, port, weights[i % weights.length]));
    }
    return servers;
  }

  static void add(List<Server> servers) throws Exception {
    List<MemcachedNode> nodes = new ArrayList<>();
    Map<InetSocketAddress, Integer> weights = new HashMap<>();
    Map<SocketAddress, Integer> positions = new HashMap<>();
    boolean isWeighted = false;
    for (Server server : servers) {
      byte[] address = InetAddress.getByName(server.host).getAddress();
      InetAddress host = server.name.isEmpty()
          ? InetAddress.getByName(server.host)
          : InetAddress.getByAddress(server.name.substring(0, server.name.indexOf('/')), address);
      InetSocketAddress socketAddress = new InetSocketAddress(host, server.port);
      positions.put(socketAddress, positions.size());
      weights.put(socketAddress, server.weight);
      isWeighted |= server.weight > 1;
      nodes.add((MemcachedNode) Proxy.newProxyInstance(
          MemcachedNode.class.getClassLoader(), new Class<?>[] {MemcachedNode.class}, (self, method, given) ->
              switch (method.getName()) {
                case "getSocketAddress" -> socketAddress;
                case "hashCode" -> socketAddress.hashCode();
                case "equals" -> self == given[0];
                case "toString" -> socketAddress.toString();
                default -> throw new UnsupportedOperationException(method.getName());
              }));
    }
    KetamaNodeLocator locator = isWeighted
        ? new KetamaNodeLocator(nodes, DefaultHashAlgorithm.KETAMA_HASH, weights, new DefaultKetamaNodeLocatorConfiguration())
        : new KetamaNodeLocator(nodes, DefaultHashAlgorithm.KETAMA_HASH, new DefaultKetamaNodeLocatorConfiguration());
    StringBuilder owners = new StringBuilder();
    for (String key : keys) {
      int position = positions.get(locator.getPrimary(key).getSocketAddress());
      owners.append(Character.forDigit(position, 36));
    }
    List<String> listed = new ArrayList<>();
    for (Server server : servers) {
      listed.add("[\"" + server.host + "\"," + server.port + "," + server.weight
          + (server.name.isEmpty() ? "" : ",\"" + server.name + "\"") + "]");
    }
    sets.add("{\"kind\":\"spymemcached-ketama\",\"servers\":[" + String.join(",", listed)
        + "],\"owners\":\"" + owners + "\"}");
  }
}
