// The script's renderer of logs against the cases that the server's is held to, and over every split of them.
import assert from 'node:assert';
import {readFileSync} from 'node:fs';
import {fileURLToPath} from 'node:url';
import vm from 'node:vm';

const here = (name) => fileURLToPath(new URL(name, import.meta.url));

const escape = (text) => text.replace(/[&<>"']/g, (c) => ({'&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', '\'': '&#39;'})[c]);

class FakeText {
  constructor(data) { this.data = data; }
  html() { return escape(this.data); }
}
class FakeElement {
  constructor(name) { Object.assign(this, {name, className: '', children: []}); }
  append(...nodes) { this.children.push(...nodes); }
  replaceChildren() { this.children = []; }
  get textContent() { return this.children.map((child) => child.data ?? child.textContent).join(''); }
  // Neighbours of one style are one: where the text was cut does not matter.
  html() {
    const parts = [];
    for (const child of this.children) {
      const last = parts.at(-1);
      const text = child instanceof FakeText ? child.data : child.className === 'l' ? null : child.textContent;
      if (text !== null && last && last.text !== null && last.style === (child.className ?? '')) last.text += text;
      else parts.push({style: child.className ?? '', text, node: child});
    }
    const inner = parts.map(({style, text, node}) =>
      (text === null ? node.html() : style ? `<span class="${style}">${escape(text)}</span>` : escape(text))).join('');
    return this.className ? `<${this.name} class="${this.className}">${inner}</${this.name}>` : inner;
  }
}
const context = vm.createContext({
  document: {createElement: (name) => new FakeElement(name), createTextNode: (data) => new FakeText(data)},
});
vm.runInContext(readFileSync(here('../static/footman.js'), 'utf8'), context);
const {LogWriter, AnsiStyle} = context.footman;

const cases = JSON.parse(readFileSync(here('ansi_cases.json'), 'utf8'));
assert(cases.length > 20);
for (const one of cases) {
  for (let cut = 0; cut <= one.in.length; ++cut) {
    const box = new FakeElement('div');
    const writer = new LogWriter(box);
    writer.push(one.in.slice(0, cut));
    writer.push(one.in.slice(cut), one.end ?? false);
    assert.equal(box.html(), one.out, `${one.name}, cut at ${cut}`);
    assert.equal(writer.rest.length, one.rest ?? 0, `${one.name}: what waits`);
    assert.equal(writer.line !== null, one.open ?? false, `${one.name}: the last line`);
    assert.equal(writer.style.classes(), new AnsiStyle(one.style ?? '').classes(), `${one.name}: the style`);
  }
}

// A line without an end is broken, and a sequence without an end does not hold the log back.
const box = new FakeElement('div');
const writer = new LogWriter(box);
writer.push('x'.repeat(10_000));
assert.deepEqual(box.children.map((line) => line.textContent.length), [4096, 4096, 1808]);
writer.push('\n\x1b]' + 'y'.repeat(10_000) + '\nend\n');
assert(writer.rest.length === 0);
assert.equal(box.children.at(-1).textContent, 'end');

// Where the server stopped is where the script goes on.
const open = new FakeElement('div');
open.className = 'l';
open.append(new FakeText('half'));
const page = new FakeElement('div');
page.append(open);
new LogWriter(page, '1;31', open).push(' line\n');
assert.equal(page.html(), '<div class="l">half<span class="f1 b"> line</span></div>');

console.log(`${cases.length} cases`);
