// A document of a few hundred lines: what the dashboard's script asks of a browser, and nothing else.
//
// Flow:  const { document, window, Node } = readPage(html);  the script runs with these as its globals (dashboard_run.mjs)
// Whatever would read text as markup throws: innerHTML, outerHTML, insertAdjacentHTML, document.write, on... attributes.
const voids = new Set(["meta", "link", "input", "br", "hr", "img"]);
const decode = text => text.replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&quot;/g, '"').replace(/&amp;/g, "&");

export class Node {
  parent = null;
  remove() {
    if (this.parent) this.parent.childNodes.splice(this.parent.childNodes.indexOf(this), 1);
    this.parent = null;
  }
}

export class Text extends Node {
  constructor(text) { super(); this.data = String(text); }
  get textContent() { return this.data; }
}

class Listening extends Node {
  #heard = new Map();
  addEventListener(name, act) { this.#heard.set(name, [...(this.#heard.get(name) || []), act]); }
  // As a browser does: nobody waits for what a listener began.
  dispatch(name, event = {}) {
    for (const act of this.#heard.get(name) || []) act({ target: this, preventDefault() {}, ...event });
  }
}

const refuse = what => { throw new Error(`${what} reads text as markup`); };

export class Element extends Listening {
  constructor(tag) {
    super();
    Object.assign(this, { tagName: tag.toUpperCase(), childNodes: [], dataset: {}, className: "", hidden: false, open: false, value: "", attributes: {} });
  }
  get children() { return this.childNodes.filter(n => n instanceof Element); }
  get textContent() { return this.childNodes.map(n => n.textContent).join(""); }
  set textContent(text) { this.replaceChildren(...(text === "" ? [] : [String(text)])); }
  append(...nodes) {
    for (const n of nodes) {
      const node = n instanceof Node ? n : new Text(n);
      node.remove();
      node.parent = this;
      this.childNodes.push(node);
    }
  }
  insertBefore(node, next) {
    node.remove();
    node.parent = this;
    this.childNodes.splice(next ? this.childNodes.indexOf(next) : this.childNodes.length, 0, node);
  }
  contains(node) {
    for (let at = node; at; at = at.parent) if (at === this) return true;
    return false;
  }
  matches() { return false; }  // `:hover`: there is no pointer
  replaceChildren(...nodes) {
    for (const n of [...this.childNodes]) n.remove();
    this.append(...nodes);
  }
  setAttribute(name, value) {
    if (/^on/i.test(name)) refuse(name);
    this.attributes[name] = String(value);
  }
  *all() {
    for (const child of this.children) {
      yield child;
      yield* child.all();
    }
  }
  // `details[open]` and `details:not([open])`
  querySelectorAll(selector) {
    const [, tag, not] = /^(\w+)(?:\[open\]|(:not)\(\[open\]\))$/.exec(selector) || refuse(selector);
    return [...this.all()].filter(e => e.tagName === tag.toUpperCase() && e.open === !not);
  }
  focus() { Element.focused = this; }
  scrollIntoView() { Element.scrolledTo = this; }
  click() { this.dispatch("click"); }
  showModal() { this.open = true; }
  close() {
    this.open = false;
    this.dispatch("close");
  }
  get innerHTML() { return refuse("innerHTML"); }
  set innerHTML(_) { refuse("innerHTML"); }
  get outerHTML() { return refuse("outerHTML"); }
  set outerHTML(_) { refuse("outerHTML"); }
  insertAdjacentHTML() { refuse("insertAdjacentHTML"); }
}

function attributesOf(text) {
  const found = {};
  for (const [, name, value] of text.matchAll(/([\w-]+)(?:="([^"]*)")?/g)) found[name] = decode(value ?? "");
  return found;
}

// The elements of a well-formed page: of what Fairing itself serves.
function parse(html, root) {
  const open = [root];
  for (const [, end, tag, attributes, text] of html.matchAll(/<(\/?)(\w+)((?:\s[^>]*)?)>|([^<]+)/g)) {
    const at = open[open.length - 1];
    if (text !== undefined) {
      if (text.trim()) at.append(decode(text));
    } else if (end) {
      if (open.pop().tagName !== tag.toUpperCase()) throw new Error(`</${tag}> ends nothing`);
    } else {
      const made = new Element(tag);
      made.attributes = attributesOf(attributes);
      made.hidden = "hidden" in made.attributes;
      if (made.attributes.value) made.value = made.attributes.value;
      at.append(made);
      if (!voids.has(tag)) open.push(made);
    }
  }
  if (open.length !== 1) throw new Error(`<${open.pop().tagName}> is not closed`);
}

// What a <select> has as its value before anybody touched it.
function choose(root) {
  for (const e of root.all())
    if (e.tagName === "SELECT") e.value = e.children[0].attributes.value ?? e.children[0].textContent;
}

export function readPage(html) {
  const document = Object.assign(new Element("#document"), { hidden: false });
  parse(html.replace(/^<!doctype html>/i, ""), document);
  choose(document);
  const all = () => [...document.all()];
  document.body = all().find(e => e.tagName === "BODY");
  document.getElementById = name => all().find(e => e.attributes.id === name) || null;
  document.createElement = tag => new Element(tag);
  document.write = () => refuse("document.write");
  Object.defineProperty(document, "activeElement", { get: () => Element.focused || document.body });
  return { document, window: new Listening(), Node, Element };
}
