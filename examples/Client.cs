// Sends an image to the service and prints the text with its confidence: Client.exe captcha.png
// BEARCAT_URL is the address of the service, BEARCAT_TOKEN its token, if it has one.

using System;
using System.Globalization;
using System.IO;
using System.Net.Http;
using System.Net.Http.Headers;
using System.Runtime.Serialization.Json;
using System.Threading.Tasks;
using System.Xml;
using System.Xml.Linq;

public static class Client
{
    static readonly string Url = Environment.GetEnvironmentVariable("BEARCAT_URL") ?? "http://127.0.0.1:5006";
    static readonly string Token = Environment.GetEnvironmentVariable("BEARCAT_TOKEN") ?? "";
    static readonly TimeSpan Timeout = TimeSpan.FromSeconds(70); // the service takes at most 60 s for an image

    /// <summary>Returns the service's answer to an image file; errors are answers too.</summary>
    static async Task<XElement> Predict(string path)
    {
        using (var client = new HttpClient { Timeout = Timeout })
        using (var form = new MultipartFormDataContent())
        {
            if (Token != "") client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Token);
            form.Add(new ByteArrayContent(File.ReadAllBytes(path)), "img", Path.GetFileName(path));
            var response = await client.PostAsync(Url, form);
            var json = await response.Content.ReadAsByteArrayAsync();
            return XElement.Load(JsonReaderWriterFactory.CreateJsonReader(json, XmlDictionaryReaderQuotas.Max));
        }
    }

    public static int Main(string[] arguments)
    {
        if (arguments.Length != 1) return Fail("usage: Client.exe IMAGE");
        try
        {
            XElement answer = Predict(arguments[0]).GetAwaiter().GetResult();
            int code = (int)answer.Element("return_code");
            if (code != 200) return Fail("error " + code + ": " + (string)answer.Element("return_info"));
            string percent = (100 * (double)answer.Element("overall_recognition_rate")).ToString("F1", CultureInfo.InvariantCulture);
            Console.WriteLine((string)answer.Element("result") + " (" + percent + "%)");
            return 0;
        }
        catch (Exception error) // no image, no service, or an answer of something else
        {
            return Fail(Url + ": " + error.Message);
        }
    }

    static int Fail(string message)
    {
        Console.Error.WriteLine(message);
        return 1;
    }
}
