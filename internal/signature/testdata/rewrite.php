<?php // Writes what PHP makes of bodies.json: php rewrite.php >php.json
$styles = ["" => 0, " with JSON_UNESCAPED_SLASHES" => JSON_UNESCAPED_SLASHES, " with JSON_UNESCAPED_UNICODE" => JSON_UNESCAPED_UNICODE,
    " with JSON_UNESCAPED_SLASHES|JSON_UNESCAPED_UNICODE" => JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE];
$made = [];
foreach (json_decode(file_get_contents(__DIR__ . "/bodies.json")) as $body) {
    $texts = [];
    foreach ($styles as $name => $flags) {
        foreach (["" => false, " of associative arrays" => true] as $as => $arrays) {
            $value = json_decode($body, $arrays);
            // What PHP refuses to read, nobody ever hashed.
            if (json_last_error() === JSON_ERROR_NONE) $texts["PHP's json_encode$name$as"] = json_encode($value, $flags);
        }
    }
    $value = json_decode($body);
    if (json_last_error() === JSON_ERROR_NONE) $texts["PHP's json_encode with JSON_PRETTY_PRINT"] = json_encode($value, JSON_PRETTY_PRINT);
    $made[] = (object) $texts;
}
echo json_encode($made, JSON_PRETTY_PRINT), "\n";
