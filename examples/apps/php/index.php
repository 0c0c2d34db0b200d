<?php
/**
 * The example application as a PHP front controller; ../README.md lists its URLs.
 *
 * What PHP does differently from the other two:
 * - the body of a POST has been read (and spooled by PHP) before the first line here runs, also for /noread;
 * - every answer without a Content-Type gets PHP's default one, 204 included, 304 not;
 * - bodies of HEAD requests are dropped by PHP itself;
 * - /fail-late ends with an orderly END_REQUEST: only the Content-Length shows that bytes are missing;
 * - PHP always sends a head, so /fail-raw is /fail.
 *
 * Settings it wants: enable_post_data_reading=0 (raw bodies), display_errors=0, log_errors=1 and no error_log
 * (messages then travel as FastCGI STDERR), zlib.output_compression=0.
 */

declare(strict_types=1);

const PIECE = 65536;            // bytes handled at a time
const HASH_LIMIT = 1048576;     // largest download that is announced with its hash

set_time_limit(0);
ini_set('default_charset', ''); // or PHP appends a charset to every text type
while (ob_get_level() > 0) {
    ob_end_clean();
}

/** PATH_INFO where the gateway splits the path, else the path of REQUEST_URI. */
function path(): string
{
    if (($_SERVER['PATH_INFO'] ?? '') !== '') {
        return $_SERVER['PATH_INFO'];
    }
    $path = rawurldecode(explode('?', $_SERVER['REQUEST_URI'] ?? '/', 2)[0]);
    return $path === ($_SERVER['SCRIPT_NAME'] ?? null) ? '/' : $path;
}

function number(string $name, int $default): int
{
    $value = $_GET[$name] ?? '';
    return is_string($value) && preg_match('/\A\d+\z/', $value) ? (int) $value : $default;
}

function text(string $name, string $default): string
{
    $value = $_GET[$name] ?? $default;
    return is_string($value) ? $value : $default;
}

function answer(string $body, string $type = 'text/plain'): void
{
    header("Content-Type: $type");
    header('Content-Length: ' . strlen($body));
    echo $body;
}

function json(array $object): void
{
    ksort($object, SORT_STRING);
    $flags = JSON_UNESCAPED_SLASHES | JSON_INVALID_UTF8_SUBSTITUTE;
    answer(json_encode((object) $object, $flags) . "\n", 'application/json');
}

function index(): void
{
    $links = '';
    foreach (array_keys(ROUTES) as $route) {
        $links .= "<li><a href=\"$route\">$route</a></li>\n";
    }
    answer("<!DOCTYPE html>\n<title>Example application</title>\n<ul>\n$links</ul>\n", 'text/html; charset=utf-8');
}

function env(): void
{
    json(array_map('strval', array_filter($_SERVER, 'is_scalar')));
}

/** php://input is spooled to a file by PHP, so reading it twice costs no memory. */
function echo_body(): void
{
    $input = fopen('php://input', 'rb');
    $length = 0;
    while (($piece = fread($input, PIECE)) !== false && $piece !== '') {
        $length += strlen($piece);
    }
    header('Content-Type: ' . (($_SERVER['CONTENT_TYPE'] ?? '') ?: 'application/octet-stream'));
    header("Content-Length: $length");
    header("X-Body-Length: $length");
    header('X-Method: ' . $_SERVER['REQUEST_METHOD']);
    rewind($input);
    fpassthru($input);
}

function upload(): void
{
    $input = fopen('php://input', 'rb');
    $hash = hash_init('sha256');
    $length = 0;
    while (($piece = fread($input, PIECE)) !== false && $piece !== '') {
        $length += strlen($piece);
        hash_update($hash, $piece);
    }
    json(['length' => $length, 'sha256' => hash_final($hash)]);
}

/** Byte i is (i * 31 + 7) & 0xff; the pattern repeats every 256 bytes, so every piece starts alike. */
function download(): void
{
    $bytes = number('bytes', 0);
    $cycle = '';
    for ($i = 0; $i < 256; $i++) {
        $cycle .= chr(($i * 31 + 7) & 0xff);
    }
    $piece = str_repeat($cycle, PIECE / 256);
    header('Content-Type: application/octet-stream');
    header("Content-Length: $bytes");
    if ($bytes <= HASH_LIMIT) {
        $whole = str_repeat($piece, intdiv($bytes, PIECE) + 1);
        header('X-Sha256: ' . hash('sha256', substr($whole, 0, $bytes)));
    }
    for ($left = $bytes; $left > 0; $left -= PIECE) {
        echo $left < PIECE ? substr($piece, 0, $left) : $piece;
    }
}

function trickle(string $type, string $count, string $prefix, string $suffix): void
{
    header("Content-Type: $type");
    header('Cache-Control: no-cache');
    $pause = number('ms', 100);
    for ($i = 0, $n = number($count, 5); $i < $n; $i++) {
        if ($i > 0) {
            usleep($pause * 1000);
        }
        echo "$prefix$i$suffix";
        flush();
    }
}

function stream(): void
{
    trickle('text/plain', 'chunks', 'chunk ', "\n");
}

function events(): void
{
    trickle('text/event-stream', 'count', 'data: ', "\n\n");
}

function cookies(): void
{
    for ($i = 0, $n = number('count', 1); $i < $n; $i++) {
        header("Set-Cookie: c$i=v$i", false);
    }
    answer("cookies\n");
}

function status(): void
{
    $code = number('code', 200);
    http_response_code($code);
    if ($code !== 204 && $code !== 304) {
        answer("status $code\n");
    }
}

function headers(): void
{
    $value = str_repeat('x', number('size', 10));
    for ($i = 0, $n = number('count', 1); $i < $n; $i++) {
        header("X-Big-$i: $value");
    }
    answer("headers\n");
}

function redirect(): void
{
    header('Location: ' . text('to', '/'), true, number('code', 302));
    answer("redirect\n");
}

function fail(): void
{
    throw new RuntimeException('fail');
}

function fail_late(): void
{
    header('Content-Type: text/plain');
    header('Content-Length: 1000');
    echo 'partial';
    flush();
    throw new RuntimeException('fail-late');
}

function pause(): void
{
    usleep(number('ms', 100) * 1000);
    answer("slept\n");
}

function stderr(): void
{
    for ($i = 0, $n = number('lines', 1); $i < $n; $i++) {
        error_log("stderr line $i");
    }
    answer("logged\n");
}

function noread(): void
{
    answer("ignored\n");
}

function head_test(): void
{
    answer('0123456789');
}

const ROUTES = [
    '/' => 'index',
    '/cookies' => 'cookies',
    '/download' => 'download',
    '/echo' => 'echo_body',
    '/env' => 'env',
    '/events' => 'events',
    '/fail' => 'fail',
    '/fail-late' => 'fail_late',
    '/fail-raw' => 'fail',
    '/head-test' => 'head_test',
    '/headers' => 'headers',
    '/noread' => 'noread',
    '/redirect' => 'redirect',
    '/sleep' => 'pause',
    '/status' => 'status',
    '/stderr' => 'stderr',
    '/stream' => 'stream',
    '/upload' => 'upload',
];

$path = path();
$route = ROUTES[str_starts_with($path, '/env/') ? '/env' : $path] ?? null;
if ($route === null) {
    http_response_code(404);
    answer("not found\n");
} else {
    $route();
}
