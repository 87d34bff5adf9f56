// Networks in the reader's browser, and the sampler of denoise_lib/sampling.py.
// Everything comes from the book's own files, which lie beside this one.
const HERE = new URL('.', import.meta.url);
const RUNTIME = new URL('vendor/onnxruntime/', HERE);
const NETWORKS = new URL('networks/', HERE);
const MEAN = 0.5;
const DIVERGED = 10;

// The list of networks: sizes of files, the sampler's constants.
export async function catalogue() {
  return JSON.parse(new TextDecoder().decode(await download(new URL('networks.json', NETWORKS))));
}

async function download(url, onBytes = () => {}) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url.pathname} did not come (${response.status})`);
  const parts = [];
  for (const reader = response.body.getReader(); ;) {
    const { done, value } = await reader.read();
    if (done) break;
    parts.push(value);
    onBytes(value.length);
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

let runtime;
// ONNX Runtime Web, fetched once. One thread: more would need headers that static hosts do not send.
export function loadRuntime(onBytes) {
  runtime ??= (async () => {
    const ort = await import(new URL('ort.wasm.bundle.min.mjs', RUNTIME));
    ort.env.wasm.numThreads = 1;
    ort.env.wasm.wasmBinary = await download(new URL('ort-wasm-simd-threaded.wasm', RUNTIME), onBytes);
    return ort;
  })();
  runtime.catch(() => { runtime = undefined; }); // so that the reader can try again
  return runtime;
}

// The runtime computes one thing at a time.
let turn = Promise.resolve();

// A denoiser y => f(y) of Float32Array; blind to the noise level, as in the book.
export async function loadNetwork(name, size, onBytes) {
  const [ort, bytes] = await Promise.all([loadRuntime(), download(new URL(name, NETWORKS), onBytes)]);
  const session = await ort.InferenceSession.create(bytes, { executionProviders: ['wasm'] });
  const run = async (y) => {
    const given = new ort.Tensor('float32', y, [1, 1, size, size]);
    const { denoised } = await session.run({ y: given });
    const answer = Float32Array.from(denoised.data);
    denoised.dispose();
    given.dispose();
    return answer;
  };
  return (y) => {
    const answer = turn.then(() => run(y));
    turn = answer.catch(() => {});
    return answer;
  };
}

// The images of a sprite, one below another, as Float32Array in [0, 1].
export async function loadImages(name, size, onBytes) {
  const bytes = await download(new URL(name, NETWORKS), onBytes);
  const sprite = await createImageBitmap(new Blob([bytes], { type: 'image/png' }));
  const canvas = new OffscreenCanvas(size, size);
  const context = canvas.getContext('2d', { willReadFrequently: true });
  return Array.from({ length: sprite.height / size }, (_, i) => {
    context.drawImage(sprite, 0, -i * size);
    const { data } = context.getImageData(0, 0, size, size);
    return Float32Array.from({ length: size * size }, (_, j) => data[4 * j] / 255);
  });
}

// Normal numbers that the seed and the step fix: Box and Muller's way from the generator mulberry32.
export function normals(seed, t, length) {
  let state = (Math.imul(seed + 1, 0x9e3779b1) ^ Math.imul(t + 1, 0x85ebca6b)) >>> 0;
  const uniform = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (((mixed ^ (mixed >>> 14)) >>> 0) + 0.5) / 4294967296;
  };
  const one = () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
  return Float32Array.from({ length }, one);
}

// The first image: y = 0.5 + sigma z.
export const fromNoise = (z, sigma) => z.map((value) => MEAN + sigma * value);

// What the denoiser sees in y after t steps; moving is false when its sample has stopped.
export async function look(denoise, y, t, schedule) {
  const denoised = await denoise(y);
  const seen = y.reduce((sum, value, i) => sum + (value - denoised[i]) ** 2, 0);
  const sigma = Math.sqrt(seen / y.length);
  const within = sigma > schedule.sigma_end && sigma < DIVERGED * schedule.sigma_start;
  return { t, y, denoised, sigma, moving: within && t + 1 < schedule.max_steps };
}

// One step: remove the part h of the noise seen, inject a little of the fresh noise z.
export async function step(denoise, state, z, schedule) {
  if (!state.moving) return state;
  const { step: h, beta } = schedule;
  const injected = Math.sqrt((1 - beta * h) ** 2 - (1 - h) ** 2) * state.sigma;
  const y = state.y.map((value, i) => value - h * (value - state.denoised[i]) + injected * z[i]);
  return look(denoise, y, state.t + 1, schedule);
}

// The whole way; noise(t) is that of the first image for t = 0, then what step t injects.
export async function draw(denoise, noise, schedule) {
  let state = await look(denoise, fromNoise(noise(0), schedule.sigma_start), 0, schedule);
  while (state.moving) state = await step(denoise, state, noise(state.t + 1), schedule);
  return state;
}

// Correlation of two images, as denoise_lib/measures/similarity.py has it.
export function correlation(a, b) {
  const mean = (x) => x.reduce((sum, value) => sum + value, 0) / x.length;
  const [ma, mb] = [mean(a), mean(b)];
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    const [da, db] = [a[i] - ma, b[i] - mb];
    ab += da * db;
    aa += da * da;
    bb += db * db;
  }
  return ab / Math.max(Math.sqrt(aa * bb), 1e-12);
}

// The image most alike: its index and its correlation.
export function nearest(image, images) {
  return images.reduce((best, other, index) => {
    const alike = correlation(image, other);
    return alike > best.alike ? { index, alike } : best;
  }, { index: -1, alike: -Infinity });
}

export const psnr = (a, b) =>
  -10 * Math.log10(a.reduce((sum, value, i) => sum + (value - b[i]) ** 2, 0) / a.length);
