<?php
/**
 * The example application with the paths that only the conformance kit has: /mixed, /nobody, /exit.
 * examples/apps must lie where it lies in the source tree, or in EXAMPLE_APP.
 */

declare(strict_types=1);

switch ($_SERVER['PATH_INFO'] ?? '') {
    case '/exit':
        header('Content-Type: text/plain');
        echo "exit\n";
        exit((int) ($_GET['status'] ?? 0));

    case '/nobody':
        http_response_code((int) ($_GET['code'] ?? 204));
        echo '0123456789';
        return;

    case '/mixed':
        $bytes = (int) ($_GET['bytes'] ?? 0);
        $lines = max(1, (int) ($_GET['lines'] ?? 1));
        header('Content-Type: application/octet-stream');
        header("Content-Length: $bytes");
        $cycle = '';
        for ($i = 0; $i < 256; $i++) {
            $cycle .= chr(($i * 31 + 7) & 0xff);
        }
        $all = substr(str_repeat($cycle, intdiv($bytes, 256) + 1), 0, $bytes);
        foreach (str_split($all, max(1, intdiv($bytes + $lines - 1, $lines))) as $i => $piece) {
            echo $piece;
            flush();
            error_log("stderr line $i");
        }
        return;

    default:
        require getenv('EXAMPLE_APP') ?: __DIR__ . '/../../examples/apps/php/index.php';
}
