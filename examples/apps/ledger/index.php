<?php
/**
 * The ledger application as a PHP front controller; README.md says what it answers.
 *
 * Settings it wants: enable_post_data_reading=0 (raw bodies), and LEDGER in the environment of the pool.
 */

declare(strict_types=1);

const BLOCK = 1024; // bytes of content that one digest fills
const REPEATS = 16; // times the 64 hexadecimal digits of a digest stand in a block

function content(string $id, int $length): string
{
    $content = '';
    for ($i = 0; strlen($content) < $length; $i++) {
        $content .= str_repeat(hash('sha256', "$id/$i"), REPEATS);
    }
    return substr($content, 0, $length);
}

/** One write at the end of the file: two workers cannot mix their lines. */
function note(string $id): void
{
    file_put_contents(getenv('LEDGER'), "$id\n", FILE_APPEND);
}

$id = (string) ($_GET['id'] ?? '');
$digest = hash_init('sha256');
$length = hash_update_stream($digest, fopen('php://input', 'rb'));
if ($_SERVER['REQUEST_METHOD'] !== 'GET') {
    note($id);
}
usleep(1000 * (int) ($_GET['ms'] ?? 0));
$answer = "$id $length " . hash_final($digest) . "\n" . content($id, (int) ($_GET['bytes'] ?? 0));
header('Content-Type: text/plain');
header('Content-Length: ' . strlen($answer));
echo $answer;
