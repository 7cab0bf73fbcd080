<?php
// Sends an image to the service and prints the text with its confidence: php client.php captcha.png
// BEARCAT_URL is the address of the service, BEARCAT_TOKEN its token, if it has one.

const SECONDS = 70; // the service takes at most 60 for an image

function fail(string $message): never
{
    fwrite(STDERR, $message . PHP_EOL);
    exit(1);
}

/** Returns the service's answer to an image, null without one; errors are answers too. */
function predict(string $url, string $token, string $image): ?array
{
    $headers = ['Content-Type: application/x-www-form-urlencoded'];
    if ($token !== '') {
        $headers[] = "Authorization: Bearer $token";
    }
    $body = http_build_query(['img' => base64_encode($image)]);
    $options = ['method' => 'POST', 'header' => $headers, 'content' => $body, 'timeout' => SECONDS];
    $context = stream_context_create(['http' => $options + ['ignore_errors' => true]]);
    $answer = @file_get_contents($url, false, $context);
    return $answer === false ? null : json_decode($answer, true);
}

if ($argc !== 2) {
    fail('usage: php client.php IMAGE');
}
$image = @file_get_contents($argv[1]);
if ($image === false) {
    fail("$argv[1] cannot be read");
}
$url = getenv('BEARCAT_URL') ?: 'http://127.0.0.1:5006';
$answer = predict($url, getenv('BEARCAT_TOKEN') ?: '', $image) ?? fail("$url: no answer of Bearcat's service");
if ($answer['return_code'] !== 200) {
    fail("error {$answer['return_code']}: {$answer['return_info']}");
}
printf("%s (%.1f%%)\n", $answer['result'], 100 * $answer['overall_recognition_rate']);
