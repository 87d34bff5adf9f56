// Loaded between RequireJS and the Jupyter widgets, on pages that have widgets.
(() => {
  // Widget modules (anywidget) lie beside this file; by default they come from another host.
  const here = new URL('.', document.currentScript.src).href;
  requirejs.config({ baseUrl: here });

  // The theme's FontAwesome would turn <i> elements into SVG; the Play widget finds its
  // icons as <i> and throws without them. FontAwesome watches this very object: change it in place.
  (window.FontAwesomeConfig ??= {}).observeMutations = false;

  // Widgets typeset their labels through MathJax 2's queue, which MathJax 3 does not have.
  document.addEventListener('DOMContentLoaded', () => {
    const mathjax = window.MathJax;
    if (!mathjax || mathjax.Hub) return;
    const typeset = (element) => {
      if (!element || !mathjax.startup?.promise) return;
      mathjax.startup.promise = mathjax.startup.promise
        .then(() => mathjax.typesetPromise([element]))
        .catch(console.warn);
    };
    mathjax.Hub = { Queue: ([, , element]) => typeset(element) };
  });
})();
