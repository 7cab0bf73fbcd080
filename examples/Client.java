// Sends an image to the service and prints the text with its confidence: java Client.java captcha.png
// BEARCAT_URL is the address of the service, BEARCAT_TOKEN its token, if it has one. Needs Java 11 or later.

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Base64;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;

public class Client {
    static final Map<String, String> ENVIRONMENT = System.getenv();
    static final String URL = ENVIRONMENT.getOrDefault("BEARCAT_URL", "http://127.0.0.1:5006");
    static final String TOKEN = ENVIRONMENT.getOrDefault("BEARCAT_TOKEN", "");
    static final Duration TIMEOUT = Duration.ofSeconds(70); // the service takes at most 60 s for an image

    /** Returns the service's answer to an image as JSON; errors are answers too. */
    static String predict(byte[] image) throws IOException, InterruptedException {
        String body = "{\"img\": \"" + Base64.getEncoder().encodeToString(image) + "\"}";
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(URL)).timeout(TIMEOUT)
            .header("Content-Type", "application/json").POST(BodyPublishers.ofString(body));
        if (!TOKEN.isEmpty()) request.header("Authorization", "Bearer " + TOKEN);
        // by default it would ask for HTTP/2, which the service does not speak
        HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
        return client.send(request.build(), BodyHandlers.ofString()).body();
    }

    /** Returns a text or a number of a JSON object. Java has no JSON parser; for more than this take one. */
    static String field(String json, String name) throws IOException {
        var found = Pattern.compile("\"" + name + "\": ?(?:\"((?:[^\"\\\\]|\\\\.)*)\"|([^\",}]+))").matcher(json);
        if (!found.find()) throw new IOException("no answer of Bearcat's service");
        return found.group(1) == null ? found.group(2) : found.group(1).replaceAll("\\\\(.)", "$1");
    }

    public static void main(String[] arguments) throws InterruptedException {
        if (arguments.length != 1) fail("usage: java Client.java IMAGE");
        try {
            String answer = predict(Files.readAllBytes(Path.of(arguments[0])));
            String code = field(answer, "return_code");
            if (!code.equals("200")) fail("error " + code + ": " + field(answer, "return_info"));
            double confidence = Double.parseDouble(field(answer, "overall_recognition_rate"));
            System.out.printf(Locale.ROOT, "%s (%.1f%%)%n", field(answer, "result"), 100 * confidence);
        } catch (IOException error) { // no image, no service, or an answer of something else
            fail(URL + ": " + error);
        }
    }

    static void fail(String message) {
        System.err.println(message);
        System.exit(1);
    }
}
