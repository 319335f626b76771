<?php
// Writes php-memcache.json: where the PHP extension memcache puts the keys. Nothing is connected to.
$keys = explode("\n", rtrim(file_get_contents('keys.txt'), "\n"));
$pools = json_decode(file_get_contents('pools.json'), true);
ini_set('memcache.hash_strategy', 'consistent');

$sets = [];
foreach (['crc32', 'fnv'] as $hash) {
    ini_set('memcache.hash_function', $hash);
    foreach ($pools as $servers) {
        $client = new MemcachePool();
        $positions = [];
        foreach ($servers as $i => [$host, $port, $weight]) {
            $client->addServer($host, $port, 0, false, $weight, 1, 15);
            $positions["$host:$port"] = base_convert((string) $i, 10, 36);
        }
        $owners = '';
        foreach ($keys as $key) $owners .= $positions[$client->findServer($key)];
        $sets[] = ['kind' => 'pecl-consistent', 'hash' => $hash, 'servers' => $servers, 'owners' => $owners];
    }
}
$program = 'php-memcache ' . phpversion('memcache') . ', PHP ' . PHP_VERSION;
file_put_contents('php-memcache.json', json_encode(['program' => $program, 'sets' => $sets], JSON_UNESCAPED_SLASHES) . "\n");
