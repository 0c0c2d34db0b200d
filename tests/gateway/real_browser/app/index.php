<?php
// One of the two applications behind the page. Each answers the same: the page, pictures, uploads, events.
$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
switch (basename($path)) {
    case 'picture':
        header('Content-Type: image/svg+xml');
        $hue = 6 * (int) $_GET['n'];
        echo "<svg xmlns='http://www.w3.org/2000/svg' width='24' height='24'>",
            "<rect width='24' height='24' fill='hsl($hue 70% 50%)'/></svg>";
        break;
    case 'upload':
        $body = file_get_contents('php://input');
        header('Content-Type: application/json');
        echo json_encode(['length' => strlen($body), 'sha256' => hash('sha256', $body)]);
        break;
    case 'events':
        header('Content-Type: text/event-stream');
        for ($n = 1; $n <= 5; $n++) {
            echo "id: $n\ndata: event $n\n\n";
            flush();
            usleep(50_000);
        }
        echo "event: end\ndata: end\n\n";
        break;
    default:
        header('Link: </php/picture?n=0>; rel=preload; as=image');
        header('Content-Type: text/html; charset=utf-8');
        readfile(__DIR__ . '/page.html');
}
