// The page "Two denoisers in the browser": draw with both from one noise, or denoise an image.
import * as engine from './denoiser-engine.js';

const SETS = ['A', 'B'];
const FRAME_MS = 30;
const NOISE = [0.02, 1]; // the second mode's levels
const still = matchMedia('(prefers-reduced-motion: reduce)');

function make(tag, properties = {}, ...children) {
  const { data = {}, ...rest } = properties;
  const element = Object.assign(document.createElement(tag), rest);
  Object.assign(element.dataset, data);
  element.append(...children);
  return element;
}

const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;
const count = (n) => n.toLocaleString('en');
const frame = () => new Promise(requestAnimationFrame);
const newSeed = () => crypto.getRandomValues(new Uint32Array(1))[0];

class Play {
  constructor(root, catalogue) {
    Object.assign(this, catalogue, { root, loaded: new Map(), token: 0 });
    this.runtimeLoaded = false;
    this.entry = this.networks[0];
    this.bar = make('progress', { max: 1, value: 0, hidden: true, ariaLabel: 'Download' });
    this.message = make('p', { className: 'td-message', role: 'status' });
    this.body = make('div');
    root.replaceChildren(this.body, this.bar, this.message);
    this.invite();
  }

  cost(entries) {
    const wanted = entries.filter((entry) => !this.loaded.has(entry.n)).flatMap((entry) =>
      SETS.map((set) => entry[set].bytes + (entry[set].training_bytes ?? 0)));
    return wanted.reduce((sum, bytes) => sum + bytes, this.runtimeLoaded ? 0 : this.runtime_bytes);
  }

  invite() {
    const total = megabytes(this.cost([this.entry]));
    const start = make('button', { type: 'button', className: 'td-main', textContent: `Start (${total})` });
    start.onclick = () => this.guard(async () => {
      start.disabled = true;
      await this.load([this.entry]);
      this.choices = await engine.loadImages('held-out.png', this.size);
      this.build();
    }).finally(() => { start.disabled = false; });
    this.body.replaceChildren(
      make('p', {}, `Start downloads ${total}, once: ${megabytes(this.runtime_bytes)} of ONNX Runtime Web, which `
        + 'runs networks in your browser, and the first two networks. Nothing is sent anywhere.'), start);
  }

  // Whatever fails is said in one sentence, and the reader can try again.
  async guard(action) {
    this.message.textContent = '';
    try { await action(); } catch (error) {
      this.bar.hidden = true;
      this.message.textContent = `That did not work (${error.message}). Check the connection and try again.`;
    }
  }

  async load(entries) {
    const wanted = entries.filter((entry) => !this.loaded.has(entry.n));
    if (!wanted.length) return;
    Object.assign(this.bar, { max: this.cost(wanted), value: 0, hidden: false });
    const onBytes = (bytes) => { this.bar.value += bytes; };
    await engine.loadRuntime(onBytes);
    this.runtimeLoaded = true;
    for (const entry of wanted) {
      const pair = await Promise.all(SETS.map(async (set) => ({
        denoise: await engine.loadNetwork(entry[set].network, this.size, onBytes),
        training: entry[set].training && await engine.loadImages(entry[set].training, this.size, onBytes),
      })));
      this.loaded.set(entry.n, pair);
    }
    this.bar.hidden = true;
  }

  canvas(name) {
    return make('canvas', { width: this.size, height: this.size, role: 'img', ariaLabel: name, data: { name } });
  }

  // Grey levels of `centre` +- `range`, half a range to black and half to white.
  paint(canvas, image, centre = 0.5, range = 1) {
    const context = canvas.getContext('2d');
    const picture = context.createImageData(this.size, this.size);
    image?.forEach((value, i) => {
      const level = 255 * (0.5 + (value - centre) / range);
      picture.data.set([level, level, level, 255], 4 * i);
    });
    context.putImageData(picture, 0, 0);
  }

  build() {
    this.modes = { draw: this.buildDraw(), denoise: this.buildDenoise() };
    const labels = { draw: 'Draw from noise', denoise: 'Denoise an image' };
    const choose = make('fieldset', { className: 'td-modes' }, make('legend', { textContent: 'What to do' }));
    for (const [mode, label] of Object.entries(labels)) {
      const input = make('input', { type: 'radio', name: 'td-mode', value: mode, checked: mode === 'draw' });
      input.onchange = () => this.show(mode);
      choose.append(make('label', {}, input, ` ${label}`));
    }
    this.body.replaceChildren(choose, ...Object.values(this.modes));
    this.show('draw');
    this.guard(() => this.newNoise());
  }

  show(mode) {
    this.pause();
    for (const [name, section] of Object.entries(this.modes)) section.hidden = name !== mode;
    if (mode === 'denoise') this.guard(() => this.denoise());
  }

  // First mode

  buildDraw() {
    this.chooseN = make('select', { id: 'td-n' });
    for (const entry of this.networks) this.chooseN.append(make('option', { value: entry.n }));
    this.label();
    this.chooseN.onchange = () => this.guard(async () => {
      this.pause();
      const wanted = this.networks.find((entry) => entry.n === Number(this.chooseN.value));
      await this.load([wanted]);
      this.entry = wanted;
      this.label();
      await this.begin(engine.fromNoise(engine.normals(this.seed, 0, this.size ** 2), this.schedule.sigma_start));
    });
    const button = (text, action) => {
      const made = make('button', { type: 'button', textContent: text });
      made.onclick = () => this.guard(action);
      return made;
    };
    this.go = button('Pause', () => (this.playing ? this.pause() : this.play()));
    const half = Math.sqrt(this.schedule.sigma_start * this.schedule.sigma_end);
    this.scrub = make('input', { id: 'td-step', type: 'range', min: 0, max: 0, value: 0 });
    this.scrub.oninput = () => {
      const wanted = Number(this.scrub.value); // pausing shows the step it was at
      this.pause();
      this.at = wanted;
      this.render();
    };
    this.said = make('p', { className: 'td-said' });
    this.pictures = SETS.map((set) => ({
      y: this.canvas(`${set}: noisy`),
      denoised: this.canvas(`${set}: answer`),
      near: this.canvas(`${set}: nearest training image`),
      alike: make('span'),
    }));
    const row = (set, { y, denoised, near, alike }) => [
      make('strong', { className: 'td-set', textContent: `Network ${set}` }),
      make('figure', {}, y, make('figcaption', { textContent: 'noisy' })),
      make('figure', {}, denoised, make('figcaption', { textContent: 'its answer' })),
      make('figure', {}, near, make('figcaption', {}, alike)),
    ];
    return make('section', { className: 'td-draw' },
      make('div', { className: 'td-controls' },
        make('label', { htmlFor: 'td-n' }, 'Set size N'), this.chooseN,
        button('New noise', () => this.newNoise()), this.go,
        button(`Add noise of σ = ${half.toFixed(2)} and go on`, () => this.renoise(half))),
      make('div', { className: 'td-controls' }, make('label', { htmlFor: 'td-step' }, 'Step'), this.scrub),
      make('div', { className: 'td-grid' }, ...this.pictures.flatMap((one, i) => row(SETS[i], one))),
      this.said);
  }

  label() {
    for (const option of this.chooseN.options) {
      const entry = this.networks.find((one) => one.n === Number(option.value));
      const more = this.cost([entry]);
      option.textContent = count(entry.n) + (more ? ` (${megabytes(more)} more)` : '');
    }
    this.chooseN.value = this.entry.n;
  }

  newNoise() {
    this.seed = newSeed();
    return this.begin(engine.fromNoise(engine.normals(this.seed, 0, this.size ** 2), this.schedule.sigma_start));
  }

  renoise(sigma) {
    this.seed = newSeed();
    const z = engine.normals(this.seed, 0, this.size ** 2);
    return this.begin(...this.history[this.at].map(({ denoised }) => denoised.map((value, i) => value + sigma * z[i])));
  }

  // Both networks start from their own y, or from the same one.
  async begin(a, b = a) {
    const mine = ++this.token;
    const pair = this.loaded.get(this.entry.n);
    const first = await Promise.all([a, b].map((y, i) => engine.look(pair[i].denoise, y, 0, this.schedule)));
    if (mine !== this.token) return;
    this.history = [first];
    this.at = 0;
    await this.play();
  }

  pause() {
    this.token++;
    this.playing = false;
    if (this.history) this.render();
  }

  async play() {
    const mine = ++this.token;
    const pair = this.loaded.get(this.entry.n);
    this.history.length = this.at + 1;
    this.playing = true;
    let shown = performance.now();
    for (let now = this.history[this.at]; now.some((state) => state.moving);) {
      const z = engine.normals(this.seed, this.at + 1, this.size ** 2);
      now = await Promise.all(now.map((state, i) => engine.step(pair[i].denoise, state, z, this.schedule)));
      if (mine !== this.token) return;
      this.history.push(now);
      this.at++;
      if (performance.now() - shown > FRAME_MS) {
        if (!still.matches) this.render();
        await frame();
        if (mine !== this.token) return;
        shown = performance.now();
      }
    }
    this.playing = false;
    this.render();
  }

  render() {
    const states = this.history[this.at];
    const pair = this.loaded.get(this.entry.n);
    Object.assign(this.scrub, { max: this.history.length - 1, value: this.at });
    states.forEach(({ y, denoised, sigma }, i) => {
      const shown = this.pictures[i];
      this.paint(shown.y, y, 0.5, 1 + 4 * sigma);
      this.paint(shown.denoised, denoised);
      const { training } = pair[i];
      shown.near.hidden = !training;
      shown.alike.textContent = 'not shown at this N';
      if (!training) return;
      const { index, alike } = engine.nearest(denoised, training);
      this.paint(shown.near, training[index]);
      shown.near.dataset.index = index;
      shown.alike.textContent = `nearest training image: ${alike.toFixed(2)}`;
    });
    const ended = !states.some((state) => state.moving);
    this.go.textContent = this.playing ? 'Pause' : 'Go on';
    this.go.disabled = ended;
    this.root.dataset.state = this.playing ? 'moving' : ended ? 'ended' : 'paused';
    const alike = engine.correlation(states[0].denoised, states[1].denoised);
    this.said.textContent = `Step ${this.at}. Noise seen: ${
      states.map((state, i) => `${SETS[i]} σ = ${state.sigma.toFixed(2)}`).join(', ')
    }. Correlation of the two answers: ${alike.toFixed(2)}.`;
  }

  // Second mode

  buildDenoise() {
    this.clean = Float32Array.from(this.choices[0]);
    this.noiseSeed = newSeed();
    const choose = make('div', { className: 'td-choices', role: 'group', ariaLabel: 'Images to denoise' });
    const blank = new Float32Array(this.size ** 2);
    [...this.choices, blank].forEach((image, i) => {
      const name = i < this.choices.length ? `held-out image ${i + 1}` : 'black canvas to draw on';
      const picture = this.canvas(name);
      this.paint(picture, image);
      const pick = make('button', { type: 'button', title: name, ariaLabel: name }, picture);
      pick.onclick = () => {
        this.clean = Float32Array.from(image);
        this.guard(() => this.denoise());
      };
      choose.append(pick);
    });
    this.level = make('input', { id: 'td-sigma', type: 'range', min: 0, max: 1, step: 0.01, value: 0.6 });
    this.level.oninput = () => this.guard(() => this.denoise());
    this.levelSaid = make('output', { htmlFor: 'td-sigma' });
    const again = make('button', { type: 'button', textContent: 'New noise' });
    again.onclick = () => {
      this.noiseSeed = newSeed();
      this.guard(() => this.denoise());
    };
    this.more = make('button', { type: 'button' });
    this.more.onclick = () => this.guard(async () => {
      await this.load(this.networks);
      this.label();
      await this.denoise();
    });
    this.cleanCanvas = this.canvas('clean image: draw on it');
    this.cleanCanvas.classList.add('td-pad');
    this.letDraw(this.cleanCanvas);
    this.noisyCanvas = this.canvas('noisy image');
    this.answers = make('div', { className: 'td-answers' });
    return make('section', { className: 'td-denoise', hidden: true }, choose,
      make('div', { className: 'td-controls' },
        make('label', { htmlFor: 'td-sigma' }, 'Noise σ'), this.level, this.levelSaid, again),
      make('div', { className: 'td-row' },
        make('figure', {}, this.cleanCanvas, make('figcaption', { textContent: 'clean (draw here)' })),
        make('figure', {}, this.noisyCanvas, make('figcaption', { textContent: 'noisy' }))),
      this.answers, this.more);
  }

  letDraw(canvas) {
    const dot = (event) => {
      const box = canvas.getBoundingClientRect();
      const [x, y] = [(event.clientX - box.left), (event.clientY - box.top)]
        .map((at) => (at / box.width) * this.size - 0.5);
      this.clean = this.clean.map((value, i) => {
        const far = Math.hypot((i % this.size) - x, Math.floor(i / this.size) - y);
        return Math.max(value, Math.min(1, 2 - far));
      });
      this.guard(() => this.denoise());
    };
    canvas.onpointerdown = (event) => {
      canvas.setPointerCapture(event.pointerId);
      dot(event);
    };
    canvas.onpointermove = (event) => event.buttons && dot(event);
  }

  async denoise() {
    const mine = ++this.token;
    const sigma = NOISE[0] * (NOISE[1] / NOISE[0]) ** Number(this.level.value);
    const z = engine.normals(this.noiseSeed, 0, this.size ** 2);
    const { clean } = this;
    // what the answers on the page can be checked against
    Object.assign(this.root.dataset, { state: 'denoising', seed: this.noiseSeed, sigma });
    const noisy = clean.map((value, i) => value + sigma * z[i]);
    this.levelSaid.textContent = sigma.toFixed(2);
    this.paint(this.cleanCanvas, clean);
    this.paint(this.noisyCanvas, noisy, 0.5, 1 + 4 * sigma);
    const more = this.cost(this.networks);
    Object.assign(this.more, { hidden: !more, textContent: `Fetch the networks of every N (${megabytes(more)} more)` });
    for (const { n } of this.networks.filter((entry) => this.loaded.has(entry.n))) {
      const answers = await Promise.all(this.loaded.get(n).map(({ denoise }) => denoise(noisy)));
      if (mine !== this.token) return; // something newer is to be shown
      this.answer(n, clean, noisy, answers, sigma);
    }
    this.root.dataset.state = 'denoised';
  }

  answer(n, clean, noisy, answers, sigma) {
    let row = this.answers.querySelector(`[data-n="${n}"]`);
    if (!row) {
      row = make('div', { data: { n } }, make('strong', { className: 'td-set', textContent: `N = ${count(n)}` }),
        ...SETS.flatMap((set) => ['answer', 'residual'].map((what) => make('figure', {},
          this.canvas(`N = ${count(n)}, ${set}: ${what}`), make('figcaption')))));
      const later = [...this.answers.children].find((other) => Number(other.dataset.n) > n);
      this.answers.insertBefore(row, later ?? null);
    }
    row.querySelectorAll('figure').forEach((figure, i) => {
      const answer = answers[i >> 1];
      const [canvas, caption] = figure.children;
      if (i % 2) this.paint(canvas, noisy.map((value, j) => value - answer[j]), 0, 6 * sigma);
      else this.paint(canvas, answer);
      const decibels = engine.psnr(answer, clean).toFixed(1);
      caption.textContent = i % 2 ? 'residual' : `${SETS[i >> 1]}: ${decibels} dB`;
    });
  }
}

const root = document.getElementById('two-denoisers');
if (typeof WebAssembly === 'undefined') {
  root.textContent = 'This browser has no WebAssembly, or has it turned off: the networks cannot run in it.';
} else {
  engine.catalogue().then((catalogue) => new Play(root, catalogue), (error) => {
    root.textContent = `The list of networks is missing (${error.message}): build the book again.`;
  });
}
