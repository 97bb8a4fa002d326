// What pages do beyond HTML: times count, pages follow the event stream, logs are tailed. Pages work without it.
//
// Nothing here turns text into markup: pages are parsed by the browser as documents (XMLHttpRequest), logs become text
// nodes. The security policy forbids the rest.
'use strict';

(() => {
  const kLeastGapMs = 400;               // between two loads of the page
  const kHiddenMs = 10_000;              // a page nobody sees lets go of its connections after that long
  const kFirstRetryMs = 500;
  const kLongestRetryMs = 15_000;
  const kMaxLines = 5000;                // of a log on the page; older ones go
  const kMaxBehindBytes = 1024 * 1024;   // a log that is further ahead is entered near its end
  const kTailBytes = 128 * 1024;
  const kMaxPendingChars = 2 * kTailBytes;  // that wait to be drawn; of more the last ones stay
  const kMaxLineChars = 4096;            // as web/ansi.hpp
  const kMaxSequenceChars = 4096;

  // --- colours of terminals; as web/ansi.cpp, both held to tests/ansi_cases.json

  const kPalette = [[0, 0, 0], [205, 0, 0], [0, 205, 0], [205, 205, 0], [0, 0, 238], [205, 0, 205], [0, 205, 205],
    [229, 229, 229], [127, 127, 127], [255, 0, 0], [0, 255, 0], [255, 255, 0], [92, 92, 255], [255, 0, 255],
    [0, 255, 255], [255, 255, 255]];

  function nearestColour(want) {
    let best = 0;
    let least = Infinity;
    kPalette.forEach((have, i) => {
      const distance = have.reduce((sum, part, k) => sum + (want[k] - part) ** 2, 0);
      if (distance < least) [least, best] = [distance, i];
    });
    return best;
  }

  function colourOf256(number) {
    if (number < 16) return number;
    if (number >= 232) return nearestColour(Array(3).fill(8 + (number - 232) * 10));
    const level = (step) => (step === 0 ? 0 : 55 + step * 40);
    const cube = number - 16;
    return nearestColour([level(Math.floor(cube / 36)), level(Math.floor(cube / 6) % 6), level(cube % 6)]);
  }

  class AnsiStyle {
    constructor(parameters = '') {
      this.reset();
      if (parameters) this.apply(parameters);
    }
    reset() {
      Object.assign(this, {text: -1, ground: -1, bold: false, dim: false, italic: false, underlined: false,
        inverse: false, struck: false});
    }
    apply(parameters) {
      const numbers = parameters.split(/[;:]/, 64).map((word) =>
        (word === '' ? 0 : /^-?\d{1,9}$/.test(word) ? Number(word) : -1));
      for (let at = 0; at < numbers.length; ++at) {
        const number = numbers[at];
        if (number !== 38 && number !== 48) {
          this.applyNumber(number);
          continue;
        }
        const [colour, last] = AnsiStyle.extended(numbers, at);
        at = last;
        if (colour >= 0) this[number === 38 ? 'text' : 'ground'] = colour;
      }
    }
    static extended(numbers, at) {
      const inByte = (number) => number >= 0 && number <= 255;
      if (at + 2 < numbers.length && numbers[at + 1] === 5)
        return [inByte(numbers[at + 2]) ? colourOf256(numbers[at + 2]) : -1, at + 2];
      if (at + 4 < numbers.length && numbers[at + 1] === 2) {
        const want = numbers.slice(at + 2, at + 5);
        return [want.every(inByte) ? nearestColour(want) : -1, at + 4];
      }
      return [-1, numbers.length];
    }
    applyNumber(number) {
      const set = {1: 'bold', 2: 'dim', 3: 'italic', 4: 'underlined', 7: 'inverse', 9: 'struck'}[number];
      const unset = {22: ['bold', 'dim'], 23: ['italic'], 24: ['underlined'], 27: ['inverse'], 29: ['struck']}[number];
      if (number === 0) this.reset();
      else if (set) this[set] = true;
      else if (unset) unset.forEach((name) => { this[name] = false; });
      else if (number === 39) this.text = -1;
      else if (number === 49) this.ground = -1;
      else if (number >= 30 && number <= 37) this.text = number - 30;
      else if (number >= 90 && number <= 97) this.text = number - 82;
      else if (number >= 40 && number <= 47) this.ground = number - 40;
      else if (number >= 100 && number <= 107) this.ground = number - 92;
    }
    classes() {
      const [front, back] = this.inverse ? [this.ground, this.text] : [this.text, this.ground];
      const colour = (number) => (number < 0 ? 'd' : String(number));
      const words = [];
      if (this.inverse || front >= 0) words.push('f' + colour(front));
      if (this.inverse || back >= 0) words.push('g' + colour(back));
      for (const [name, word] of [['bold', 'b'], ['dim', 'd'], ['italic', 'i'], ['underlined', 'u'], ['struck', 's']])
        if (this[name]) words.push(word);
      return words.join(' ');
    }
  }

  // The length of the control sequence at `at`, 0 when it is cut off, and its colours if it sets some.
  function measureSequence(text, at) {
    const next = text[at + 1];
    if (next === undefined) return {length: 0};
    if (next === '[') {
      let end = at + 2;
      while (end < text.length && text[end] >= ' ' && text[end] <= '?') {
        if (end - at > kMaxSequenceChars) return {length: end - at};
        ++end;
      }
      if (end === text.length) return {length: 0};
      if (!(text[end] >= '@' && text[end] <= '~')) return {length: end - at};
      return {length: end + 1 - at, colours: text[end] === 'm' ? text.slice(at + 2, end) : undefined};
    }
    if (']PX^_'.includes(next)) {
      for (let end = at + 2; end < text.length; ++end) {
        if (end - at > kMaxSequenceChars || text[end] === '\n') return {length: end - at};
        if (text[end] === '\x07') return {length: end + 1 - at};
        if (text[end] !== '\x1b') continue;
        if (end + 1 === text.length) return {length: 0};
        return {length: text[end + 1] === '\\' ? end + 2 - at : end - at};
      }
      return {length: 0};
    }
    let end = at + 1;
    while (end < text.length && text[end] >= ' ' && text[end] <= '/') if (++end - at > 3) return {length: 1};
    if (end === text.length) return {length: 0};
    return {length: text[end] >= '0' && text[end] <= '~' ? end + 1 - at : 1};
  }

  // Appends lines to an element.
  class LogWriter {
    constructor(box, style = '', openLine = null) {
      this.box = box;
      this.style = new AnsiStyle(style);
      this.line = openLine;
      this.chars = openLine ? openLine.textContent.length : 0;
      this.rest = '';  // may still become a sequence
      this.run = '';   // text of one style
    }
    push(text, isEnd = false) {
      const all = this.rest + text;
      let at = 0;
      while (at < all.length) {
        const taken = this.take(all, at, isEnd);
        if (taken === 0) break;
        at += taken;
      }
      this.rest = all.slice(at);
      this.endRun();
    }
    take(all, at, isEnd) {
      const char = all[at];
      if (char === '\n') {
        this.endLine();
        return 1;
      }
      if (char === '\r') return this.takeReturn(all, at, isEnd);
      if (char === '\x1b') return this.takeSequence(all, at, isEnd);
      const plain = /[^\x00-\x08\x0a-\x1f\x7f-\x9f]+/y;
      plain.lastIndex = at;
      const match = plain.exec(all);
      if (!match) return 1;  // another control character
      this.put(match[0]);
      return match[0].length;
    }
    takeReturn(all, at, isEnd) {
      let next = at;
      while (all[next] === '\r') ++next;
      if (next === all.length) return isEnd ? next - at : 0;
      if (all[next] !== '\n') this.restartLine();
      return next - at;
    }
    takeSequence(all, at, isEnd) {
      const {length, colours} = measureSequence(all, at);
      if (length === 0) return isEnd ? all.length - at : 0;
      if (colours !== undefined) {
        this.endRun();
        this.style.apply(colours);
      }
      return length;
    }
    put(text) {
      let left = text;
      while (left) {
        if (this.chars >= kMaxLineChars) this.endLine();
        const part = left.slice(0, kMaxLineChars - this.chars);
        this.run += part;
        this.chars += part.length;
        left = left.slice(part.length);
      }
    }
    openLine() {
      if (this.line) return;
      this.line = document.createElement('div');
      this.line.className = 'l';
      this.box.append(this.line);
    }
    endRun() {
      if (!this.run) return;
      this.openLine();
      const classes = this.style.classes();
      let node = document.createTextNode(this.run);
      if (classes) {
        const span = document.createElement('span');
        span.className = classes;
        span.append(node);
        node = span;
      }
      this.line.append(node);
      this.run = '';
    }
    restartLine() {
      this.run = '';
      this.chars = 0;
      if (this.line) this.line.replaceChildren();
    }
    endLine() {
      this.endRun();
      this.openLine();
      this.line = null;
      this.chars = 0;
    }
  }

  if (typeof window === 'undefined') {
    globalThis.footman = {AnsiStyle, LogWriter};  // for tests without a browser
    return;
  }

  // --- times

  const skewMs = Date.now() - Date.parse(document.body.dataset.now || new Date().toISOString());
  const serverNow = () => Date.now() - skewMs;

  function rough(ms) {
    const units = [[86_400_000, 'd'], [3_600_000, 'h'], [60_000, 'min'], [1000, 's']];
    const [size, name] = units.find(([least]) => ms >= least) || units[3];
    return `${Math.floor(ms / size)} ${name}`;
  }
  function relativeTime(ms) {
    if (ms < -1000) return `in ${rough(-ms)}`;
    return ms < 2000 ? 'just now' : `${rough(ms)} ago`;
  }
  function duration(ms) {
    if (ms < 60_000) return `${(Math.max(0, ms) / 1000).toFixed(1)} s`;
    const [minutes, hours] = [Math.floor(ms / 60_000), Math.floor(ms / 3_600_000)];
    if (hours >= 48) return `${Math.floor(hours / 24)} d ${hours % 24} h`;
    if (hours >= 1) return `${hours} h ${minutes % 60} min`;
    return `${minutes} min ${Math.floor(ms / 1000) % 60} s`;
  }
  function setText(element, text) {
    if (element.textContent !== text) element.textContent = text;
  }
  function tick() {
    const now = serverNow();
    for (const element of document.querySelectorAll('time.relative'))
      setText(element, relativeTime(now - Date.parse(element.dateTime)));
    for (const element of document.querySelectorAll('[data-since]'))
      setText(element, duration(now - Date.parse(element.dataset.since)));
    for (const list of document.querySelectorAll('.phases')) if (list.querySelector('.going')) draw(list, now);
  }
  // As web/phases.cpp: what goes on makes the axis longer.
  function draw(list, now) {
    const [axis, least] = [1000, 8];
    const first = Date.parse(list.dataset.first);
    const place = (at) => ((at - first) * axis) / Math.max(1, now - first);
    for (const bar of list.querySelectorAll('[data-from]')) {
      const from = Math.min(place(Date.parse(bar.dataset.from)), axis - least);
      const to = place(bar.dataset.to ? Date.parse(bar.dataset.to) : now);
      bar.setAttribute('x', from.toFixed(1));
      bar.setAttribute('width', Math.max(to - from, least).toFixed(1));
    }
  }

  // --- the page as the server has it now

  const keyOf = (node) => (node.nodeType === Node.ELEMENT_NODE ? node.id || node.dataset.key || '' : '');

  function morph(old, fresh) {
    if (old.nodeType === Node.TEXT_NODE) {
      if (old.data !== fresh.data) old.data = fresh.data;
      return;
    }
    if (old.nodeType !== Node.ELEMENT_NODE) return;
    if (old.id === 'log') {
      morphLog(old, fresh);
      return;
    }
    if (old.dataset.own !== undefined) return;
    morphAttributes(old, fresh);
    morphChildren(old, fresh);
  }
  // What a person opened stays open, what a person typed stays.
  function morphAttributes(old, fresh) {
    const keep = old.localName === 'details' ? 'open' : '';
    for (const {name} of [...old.attributes])
      if (!fresh.hasAttribute(name) && name !== keep) old.removeAttribute(name);
    for (const {name, value} of fresh.attributes)
      if (name !== keep && old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  function morphChildren(old, fresh) {
    const keyed = new Map();
    for (const child of old.childNodes) if (keyOf(child)) keyed.set(keyOf(child), child);
    let at = old.firstChild;
    for (const want of fresh.childNodes) {
      const key = keyOf(want);
      const known = key && keyed.get(key);
      if (known && known.localName === want.localName) {
        if (known === at) at = at.nextSibling;
        else old.insertBefore(known, at);
        morph(known, want);
      } else {
        const like = key ? null : findLike(at, want);
        if (like) {
          while (at !== like) at = removeAndNext(at);
          at = like.nextSibling;
          morph(like, want);
        } else {
          old.insertBefore(document.importNode(want, true), at);
        }
      }
    }
    while (at) at = removeAndNext(at);
  }
  function removeAndNext(node) {
    const next = node.nextSibling;
    node.remove();
    return next;
  }
  // The old node that became the wanted one: the next of its kind and classes, or the one in its place.
  function findLike(at, want) {
    for (let node = at; node && !keyOf(node); node = node.nextSibling)
      if (node.nodeName === want.nodeName && node.className === want.className) return node;
    return at && !keyOf(at) && at.nodeName === want.nodeName ? at : null;
  }
  // The tail owns the log's box, as long as it is the same log.
  function morphLog(old, fresh) {
    if (old.dataset.log !== fresh.dataset.log) old.replaceWith(document.importNode(fresh, true));
  }

  function say(text) {
    const element = document.getElementById('announce');
    if (element) setText(element, text);
  }
  const announcement = () => document.getElementById('title')?.dataset.announce || '';

  function load() {
    return new Promise((resolve) => {
      const request = new XMLHttpRequest();
      request.open('GET', location.href);
      request.responseType = 'document';
      request.setRequestHeader('Footman-Live', 'yes');  // leaves the log out
      request.timeout = 15_000;
      request.onload = () => resolve(request);
      request.onerror = request.ontimeout = request.onabort = () => resolve(null);
      request.send();
    });
  }

  let lastLoad = -Infinity;
  let lastTook = 0;
  let planned = null;
  let loading = false;

  function refresh() {
    if (planned !== null) return;
    const gap = Math.max(kLeastGapMs, 4 * lastTook);  // a busy server gets more time
    planned = setTimeout(refreshNow, Math.max(0, lastLoad + gap - performance.now()));
  }
  async function refreshNow() {
    if (loading) {  // what changed meanwhile needs another look
      planned = setTimeout(refreshNow, kLeastGapMs);
      return;
    }
    planned = null;
    loading = true;
    const begin = performance.now();
    const answer = await load();
    loading = false;
    lastLoad = performance.now();
    lastTook = lastLoad - begin;
    if (!answer) return;
    if (answer.status === 401) {
      signedOut();
      return;
    }
    const page = answer.response;
    if (answer.status !== 200 || !page?.querySelector('main')) return;
    const before = announcement();
    morph(document.querySelector('main'), page.querySelector('main'));
    if (document.title !== page.title) document.title = page.title;
    if (announcement() !== before) say(announcement());
    follow(page.body.dataset.events || '');
    startTail();
    tick();
  }

  // --- the event stream

  const live = document.getElementById('live');
  let streamUrl = '';
  let stream = null;
  let retryMs = kFirstRetryMs;
  let retry = null;

  function showLive(state, text) {
    live.hidden = false;
    live.dataset.state = state;
    setText(live, text);
  }
  function signedOut() {
    closeStream();
    stopTail();
    showLive('lost', 'Signed out: load the page again');
    say('You are signed out. Load the page again to sign in.');
  }
  function closeStream() {
    clearTimeout(retry);
    stream?.close();
    stream = null;
  }
  function openStream() {
    closeStream();
    if (!streamUrl) return;
    stream = new EventSource(streamUrl);
    stream.addEventListener('open', () => {
      retryMs = kFirstRetryMs;
      showLive('live', 'Live');
    });
    stream.addEventListener('reset', refresh);
    stream.addEventListener('change', refresh);
    stream.addEventListener('error', () => {
      showLive('lost', 'Connection lost, trying again');
      if (stream?.readyState !== EventSource.CLOSED) return;  // the browser tries again by itself
      closeStream();
      retry = setTimeout(() => {
        refresh();  // learns whether the session is over
        openStream();
      }, retryMs * (0.5 + Math.random()));
      retryMs = Math.min(retryMs * 2, kLongestRetryMs);
    });
  }
  function follow(url) {
    if (url === streamUrl) return;
    streamUrl = url;
    openStream();
  }

  // --- the log

  let tail = null;
  let watched = null;  // the log's box of the page

  class Tail {
    constructor(box) {
      this.box = box;
      this.offset = Number(box.dataset.offset || 0);
      this.decoder = new TextDecoder('utf-8', {ignoreBOM: true});
      this.writer = new LogWriter(box, box.dataset.style, box.dataset.open !== undefined ? box.lastElementChild : null);
      this.pending = '';
      this.drawing = null;
      this.retryMs = kFirstRetryMs;
      this.abort = null;
      this.ended = false;
      this.paused = true;
    }
    async run() {
      if (!this.paused) return;
      this.paused = false;
      while (!this.paused && !this.ended) {
        this.abort = new AbortController();
        try {
          await this.read(this.abort);
        } catch {
          // The connection broke, or the server is away: again from where it was.
        }
        if (this.paused || this.ended) return;
        await new Promise((resolve) => setTimeout(resolve, this.retryMs));
        this.retryMs = Math.min(this.retryMs * 2, kLongestRetryMs);
      }
    }
    pause() {
      this.paused = true;
      this.abort?.abort();
    }
    async read(abort) {
      const url = new URL(this.box.dataset.log, location.href);
      url.searchParams.set('offset', String(this.offset));
      url.searchParams.set('follow', 'true');
      const answer = await fetch(url, {signal: abort.signal, credentials: 'same-origin', cache: 'no-store'});
      if (answer.status === 401) signedOut();
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      const size = Number(answer.headers.get('Footman-Log-Bytes') || 0);
      if (size - this.offset > kMaxBehindBytes) {
        this.jump(size - kTailBytes);
        this.retryMs = 0;
        abort.abort();
        return;
      }
      const reader = answer.body.getReader();
      for (;;) {
        const {done, value} = await reader.read();
        if (done) break;
        this.retryMs = kFirstRetryMs;
        this.offset += value.length;
        this.take(this.decoder.decode(value, {stream: true}));
      }
      this.ended = true;
      this.take(this.decoder.decode());
      this.draw();
      refresh();
    }
    jump(offset) {
      this.offset = offset;
      this.pending = '';
      this.decoder = new TextDecoder('utf-8', {ignoreBOM: true});
      this.box.replaceChildren();
      this.writer = new LogWriter(this.box);
      noteSkipped();
    }
    take(text) {
      this.pending += text;
      if (this.pending.length > kMaxPendingChars) {  // it prints more than can be looked at
        this.pending = this.pending.slice(-kTailBytes);
        this.pending = this.pending.slice(this.pending.indexOf('\n') + 1);
        noteSkipped();
      }
      this.drawing ??= setTimeout(() => this.draw(), 30);
    }
    draw() {
      clearTimeout(this.drawing);
      this.drawing = null;
      this.writer.push(this.pending, this.ended);
      this.pending = '';
      let extra = this.box.childElementCount - kMaxLines;
      if (extra > 0) noteSkipped();
      while (extra-- > 0) this.box.firstElementChild.remove();
      if (following()) this.box.scrollTop = this.box.scrollHeight;
    }
  }

  function noteSkipped() {
    const note = document.getElementById('log-note');
    if (!note) return;
    note.hidden = false;
    if (note.firstChild.nodeType === Node.TEXT_NODE) note.firstChild.data = 'Earlier lines are not shown here: ';
  }
  const followBox = () => document.getElementById('follow');
  const following = () => followBox()?.checked ?? true;

  // Nothing happens when the page's log is followed already.
  function startTail() {
    const box = document.getElementById('log');
    if (box === watched) return;
    stopTail();
    watched = box;
    if (!box) return;
    watchScrolling(box);
    if (box.dataset.follow === undefined) return;
    tail = new Tail(box);
    tail.run();
  }
  function stopTail() {
    tail?.pause();
    tail = null;
  }
  function watchScrolling(box) {
    const label = document.querySelector('label.follow');
    if (label) label.hidden = box.dataset.follow === undefined;
    const note = document.getElementById('log-note');
    if (note && box.childElementCount === 0) note.hidden = true;
    for (const own of [label, note]) if (own) own.dataset.own = '';
    if (following()) box.scrollTop = box.scrollHeight;
    box.addEventListener('scroll', () => {
      const check = followBox();
      if (check) check.checked = box.scrollHeight - box.scrollTop - box.clientHeight < 24;
    }, {passive: true});
  }
  // --- life of the page

  let hiddenTimer = null;
  function pause() {
    closeStream();
    tail?.pause();
  }
  function resume() {
    clearTimeout(hiddenTimer);
    if (streamUrl && !stream) openStream();
    tail?.run();
  }
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) hiddenTimer = setTimeout(pause, kHiddenMs);
    else resume();
  });
  window.addEventListener('pagehide', pause);
  window.addEventListener('pageshow', (event) => {
    if (event.persisted) {
      refresh();
      resume();
    }
  });
  document.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape') return;
    for (const menu of document.querySelectorAll('details.menu[open]')) {
      menu.open = false;
      menu.querySelector('summary').focus();
    }
  });
  document.addEventListener('change', (event) => {
    const box = document.getElementById('log');
    if (event.target.id === 'follow' && event.target.checked && box) box.scrollTop = box.scrollHeight;
  });

  setInterval(tick, 1000);
  tick();
  follow(document.body.dataset.events || '');
  startTail();
})();
