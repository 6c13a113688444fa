"use strict";
// JSON is laid out by its tokens, so that 2.0 stays 2.0 and whole numbers of 64 bits keep their digits.
const layout = (() => {
  const SLOW = 5000; // entries that are coloured
  const WIDTH = 84; // characters of a list on one line
  const TOKENS = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;

  const tree = (text) => {
    const tokens = text.match(TOKENS) || [];
    let place = 0;
    const value = () => {
      const token = tokens[place++];
      if (token !== "[" && token !== "{") return token;
      const close = token === "[" ? "]" : "}";
      const items = [];
      while (place < tokens.length && tokens[place] !== close) {
        if (tokens[place] === ",") { place += 1; continue; }
        if (close === "}") {
          const key = tokens[place];
          place += 2;
          items.push([key, value()]);
        } else items.push(value());
      }
      place += 1;
      return { open: token, close, items };
    };
    return value();
  };

  const line = (node) => {
    if (typeof node === "string") return node;
    const parts = node.items.map((item) => Array.isArray(item) ? item[0] + ": " + line(item[1]) : line(item));
    return node.open + parts.join(", ") + node.close;
  };
  const flat = (node) => typeof node === "string" || !node.items.length;
  const short = (node) => node.open === "["
    ? node.items.every(flat) : node.items.every((item) => flat(item[1]));

  const laidOut = (node, indent = "") => {
    if (flat(node)) return line(node);
    if (short(node)) {
      const text = line(node);
      if (text.length + indent.length <= WIDTH) return text;
    }
    const inner = indent + "  ";
    if (node.open === "[" && node.items.every((item) => typeof item === "string")) return wrapped(node, indent, inner);
    const parts = node.items.map((item) =>
      inner + (Array.isArray(item) ? item[0] + ": " + laidOut(item[1], inner) : laidOut(item, inner)));
    return node.open + "\n" + parts.join(",\n") + "\n" + indent + node.close;
  };

  // A long list of values fills its lines.
  const wrapped = (node, indent, inner) => {
    const lines = [];
    let current = inner;
    node.items.forEach((item, number) => {
      const text = item + (number < node.items.length - 1 ? "," : "");
      if (current !== inner && current.length + text.length + 1 > WIDTH) { lines.push(current); current = inner; }
      current += (current === inner ? "" : " ") + text;
    });
    return "[\n" + [...lines, current].join("\n") + "\n" + indent + "]";
  };

  const isJson = (text) => { try { JSON.parse(text); return true; } catch { return false; } };
  const pretty = (text) => isJson(text) ? laidOut(tree(text)) : text;
  const compact = (text) => isJson(text) ? (text.match(TOKENS) || []).join("") : text;

  const coloured = (target, text) => {
    target.replaceChildren();
    const kinds = /("(?:[^"\\]|\\.)*")(\s*:)?|(-?\d[\d.eE+-]*)|\b(true|false|null)\b/g;
    let end = 0, count = 0, match;
    while ((match = kinds.exec(text)) && count++ < SLOW) {
      target.append(text.slice(end, match.index));
      const kind = match[1] ? (match[2] ? "t-key" : "t-text") : match[3] ? "t-number" : "t-word";
      const span = document.createElement("span");
      span.className = kind;
      span.textContent = match[1] || match[0];
      target.append(span, match[2] || "");
      end = match.index + match[0].length;
    }
    target.append(text.slice(end));
  };

  return { isJson, pretty, compact, coloured };
})();
