<?php
// Writes php-memcached.json: where php-memcached, that is libmemcached, puts the keys. Nothing is connected to.
$keys = explode("\n", rtrim(file_get_contents('keys.txt'), "\n"));
$pools = json_decode(file_get_contents('pools.json'), true);
$hashes = [
    'default' => Memcached::HASH_DEFAULT, 'md5' => Memcached::HASH_MD5, 'crc' => Memcached::HASH_CRC,
    'fnv1_64' => Memcached::HASH_FNV1_64, 'fnv1a_64' => Memcached::HASH_FNV1A_64,
    'fnv1_32' => Memcached::HASH_FNV1_32, 'fnv1a_32' => Memcached::HASH_FNV1A_32,
    'murmur' => Memcached::HASH_MURMUR,
];
$kinds = [
    'libmemcached-ketama' => [Memcached::OPT_LIBKETAMA_COMPATIBLE => true],
    'libmemcached-consistent' => [Memcached::OPT_DISTRIBUTION => Memcached::DISTRIBUTION_CONSISTENT],
    'libmemcached-modula' => [],
];

function owners(array $servers, array $options, array $keys): string
{
    $client = new Memcached();
    foreach ($options as $option => $value) {
        if (!$client->setOption($option, $value)) throw new RuntimeException("option $option refused");
    }
    foreach ($servers as [$host, $port, $weight]) $client->addServer($host, $port, $weight);
    $positions = [];
    foreach ($servers as $i => [$host, $port]) $positions["$host:$port"] = base_convert((string) $i, 10, 36);
    $owners = '';
    foreach ($keys as $key) {
        $server = $client->getServerByKey($key);
        if (!$server) throw new RuntimeException("no server for $key: " . $client->getResultMessage());
        $owners .= $positions["{$server['host']}:{$server['port']}"];
    }
    return $owners;
}

$sets = [];
foreach ($kinds as $kind => $options) {
    foreach ($pools as $pool => $servers) {
        $weighted = array_filter($servers, fn ($server) => $server[2] > 1);
        if ($kind === 'libmemcached-modula' && $weighted) continue; // it ignores weights, and we refuse them
        $sets[] = ['kind' => $kind, 'servers' => $servers, 'owners' => owners($servers, $options, $keys)];
    }
    $pool = $kind === 'libmemcached-modula' ? 'seven' : 'weighted';
    foreach ($hashes as $hash => $constant) {
        $servers = $pools[$pool];
        $withHash = $options + [Memcached::OPT_HASH => $constant];
        $sets[] = ['kind' => $kind, 'hash' => $hash, 'servers' => $servers, 'owners' => owners($servers, $withHash, $keys)];
    }
}
$program = 'php-memcached ' . phpversion('memcached') . ', PHP ' . PHP_VERSION;
file_put_contents('php-memcached.json', json_encode(['program' => $program, 'sets' => $sets], JSON_UNESCAPED_SLASHES) . "\n");
