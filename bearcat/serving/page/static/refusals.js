// The page shows why a request was refused. Of an upload gradio shows the whole answer, of an event only its field
// "detail" (of a 503 a text of its own), and the service's errors have neither form.
(() => {
  const language = navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
  const texts = TEXTS[language]; // status → text
  const plainFetch = window.fetch;
  window.fetch = async (...request) => {
    const response = await plainFetch(...request);
    const [, path] = response.url.match(/\/gradio_api\/(upload|queue\/join)(?:\?|$)/) || [];
    if (response.ok || !path) return response;
    const error = await response.json().catch(() => ({}));
    const text = texts[response.status] || error.return_info || texts[500];
    return path === "upload" ? new Response(text, { status: response.status }) : Response.json({ detail: text }, { status: 400 });
  };
})();
