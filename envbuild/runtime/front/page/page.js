(() => {
  const told = JSON.parse(document.getElementById("told").textContent);
  const by = (id) => document.getElementById(id);
  const { isJson, pretty, compact, coloured } = layout;
  const SHOWN = 200000; // characters of an answer; more would make the browser slow
  const drafts = new Map();
  let protocol = null;
  let answered = "";

  // What comes from the model or the server is set as text, never as markup.
  const make = (tag, text = "", name = "") => {
    const element = document.createElement(tag);
    element.textContent = text;
    if (name) element.className = name;
    return element;
  };

  const address = (path) => told.server ? told.server + path : new URL("." + path, location.href).href;

  // ---- what is served
  const describe = () => {
    document.title = told.name + " · try it";
    by("kind").textContent = told.script ? "Scoring script" : "Model";
    by("name").textContent = told.name;
    for (const [title, text] of told.origin) {
      const entry = make("div");
      entry.append(make("dt", title), make("dd", text));
      by("origin").append(entry);
    }
    for (const link of told.links) {
      const anchor = make("a", link.title);
      anchor.href = link.here ? new URL("." + link.path, location.href).href : address(link.path);
      by("links").append(anchor);
    }
    const place = by("signature");
    const tables = [
      ["Inputs", told.inputs, told.more[0]], ["Parameters", told.params, 0], ["Outputs", told.outputs, told.more[1]],
    ];
    for (const [title, entries, more] of tables) if (entries.length) place.append(make("h3", title), table(title, entries, more));
    if (!place.children.length) {
      place.append(make("p", told.script
        ? "A script reads what its run() is written for; it has no signature."
        : "The model has no signature: it takes a table, a list or an object as it is.", "note"));
    }
  };

  const table = (title, entries, more) => {
    const element = make("table");
    const head = make("tr");
    const last = title === "Parameters" ? "Default" : title === "Inputs" ? "Required" : "";
    for (const name of ["Name", "Type", ...(last ? [last] : [])]) {
      const cell = make("th", name);
      cell.scope = "col";
      if (!last && name === "Type") cell.colSpan = 2;
      head.append(cell);
    }
    const body = make("tbody");
    for (const entry of entries) {
      const row = make("tr");
      row.append(entry.name === null ? make("td", "no name", "faint") : make("td", entry.name, "name"));
      const type = make("td", entry.type, "type");
      if (!last) type.colSpan = 2;
      row.append(type);
      if (last === "Required") row.append(make("td", entry.required ? "yes" : "no", entry.required ? "" : "faint"));
      if (last === "Default") row.append(make("td", entry.default, "name"));
      body.append(row);
    }
    if (more) {
      const row = make("tr"), cell = make("td", `and ${more} more`, "faint");
      cell.colSpan = 3;
      row.append(cell);
      body.append(row);
    }
    const top = make("thead");
    top.append(head);
    element.append(top, body);
    element.setAttribute("aria-label", title);
    return element;
  };

  // ---- the request
  const choose = (chosen) => {
    if (protocol) drafts.set(protocol.kind, by("body").value);
    protocol = chosen;
    by("path").textContent = chosen.path;
    by("note").textContent = chosen.note;
    by("body").value = drafts.has(chosen.kind) ? drafts.get(chosen.kind) : pretty(chosen.body);
    by("body").placeholder = chosen.body ? "" : "There is no example: write a body here.";
    by("answer").hidden = true;
    edited();
  };

  const edited = () => {
    const text = by("body").value;
    const hint = by("hint");
    let wrong = "";
    try { if (text.trim()) JSON.parse(text); } catch (error) { wrong = error.message; }
    hint.className = wrong && !told.script ? "hint wrong" : "hint";
    if (wrong && !told.script) hint.textContent = "Not JSON yet: " + wrong;
    else hint.replaceChildren(make("kbd", "Ctrl"), " + ", make("kbd", "Enter"), " sends");
    by("reset").hidden = !protocol.body || text === pretty(protocol.body);
    by("curl").textContent = "curl -sS " + quoted(address(protocol.path)) +
      " \\\n  -H 'Content-Type: application/json' \\\n  --data-raw " + quoted(compact(text));
  };

  const quoted = (text) => "'" + text.replaceAll("'", "'\\''") + "'";

  const send = async () => {
    const button = by("send");
    if (button.getAttribute("aria-disabled") === "true") return;
    button.setAttribute("aria-disabled", "true");
    button.textContent = "Sending…";
    const started = performance.now();
    try {
      const reply = await fetch(address(protocol.path), {
        method: "POST", headers: { "content-type": "application/json" }, body: by("body").value,
        credentials: "same-origin", cache: "no-store",
      });
      const text = await reply.text();
      show(reply, text, performance.now() - started);
    } catch (error) {
      failed(String(error.message || error), performance.now() - started);
    }
    button.removeAttribute("aria-disabled");
    button.textContent = "Send request";
  };

  const WORDS = { 200: "OK", 400: "Bad Request", 404: "Not Found", 408: "Timeout", 413: "Too Large", 415: "Unsupported Type",
    431: "Header Too Large", 500: "Server Error", 503: "Unavailable", 504: "Timeout" };
  const IDS = ["x-request-id", "x-ms-request-id", "x-ms-client-request-id", "x-ms-run-fn-exec-ms", "retry-after"];

  const status = (text, good, ...rest) => {
    by("status").replaceChildren(make("strong", text, good ? "good" : "bad"), ...rest.map((part) => make("span", part)));
  };

  const show = (reply, text, time) => {
    const size = new Blob([text]).size;
    status(`${reply.status} ${reply.statusText || WORDS[reply.status] || ""}`.trim(), reply.ok, `${time.toFixed(0)} ms`,
      size === 1 ? "1 byte" : size < 1024 ? `${size} bytes` : `${(size / 1024).toFixed(1)} kB`);
    const json = (reply.headers.get("content-type") || "").includes("json") && isJson(text);
    const laid = json && text.length <= 4 * SHOWN ? pretty(text) : text;
    const cut = laid.length > SHOWN ? laid.slice(0, SHOWN) + `\n… ${laid.length - SHOWN} more characters` : laid;
    // A table keeps its lines; a message is read.
    by("result").className = json && reply.ok ? "" : "text";
    if (json) coloured(by("result"), cut); else by("result").textContent = cut || "(no body)";
    answered = text;
    by("headers").replaceChildren();
    for (const name of IDS) {
      const value = reply.headers.get(name);
      if (value === null || (name === "x-ms-request-id" && value === reply.headers.get("x-request-id"))) continue;
      const entry = make("div");
      entry.append(make("dt", name), make("dd", value));
      by("headers").append(entry);
    }
    by("headers").hidden = !by("headers").children.length;
    reveal();
  };

  const failed = (reason, time) => {
    status("No answer", false, `${time.toFixed(0)} ms`);
    answered = reason;
    by("result").className = "text";
    by("result").textContent = "The server could not be reached: " + reason;
    by("headers").hidden = true;
    reveal();
  };

  const reveal = () => {
    by("answer").hidden = false;
    by("answer").scrollIntoView({ block: "nearest" });
  };

  const copy = async (button, text) => {
    // The clipboard's own interface is there for localhost and https alone.
    try { await navigator.clipboard.writeText(text); } catch {
      const area = make("textarea", text);
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
      button.focus();
    }
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  };

  const start = () => {
    describe();
    told.protocols.forEach((each, number) => {
      const label = make("label"), input = make("input");
      input.type = "radio";
      input.name = "protocol";
      input.value = each.kind;
      input.checked = number === 0;
      input.addEventListener("change", () => choose(each));
      label.append(input, make("span", each.title));
      by("protocols").append(label);
    });
    if (!told.protocols.length) return;
    choose(told.protocols[0]);
    by("body").addEventListener("input", edited);
    by("body").addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); send(); }
    });
    by("form").addEventListener("submit", (event) => { event.preventDefault(); send(); });
    by("reset").addEventListener("click", () => { by("body").value = pretty(protocol.body); edited(); by("body").focus(); });
    by("copy-curl").addEventListener("click", (event) => copy(event.currentTarget, by("curl").textContent));
    by("copy-answer").addEventListener("click", (event) => copy(event.currentTarget, answered));
  };

  start();
})();
