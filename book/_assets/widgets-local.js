// Loaded after RequireJS, on pages that have widgets.
(() => {
  // Widget modules (anywidget) lie beside this file; by default they come from another host.
  const here = new URL('.', document.currentScript.src).href;
  requirejs.config({ baseUrl: here });

  // The widgets' own code is 3.6 MB, what they show a megabyte more. Both come when the first widget is
  // near, when the page is printed, or when a reader goes through it by keyboard, who would pass by what
  // is not there yet.
  const add = (source) => {
    const script = document.createElement('script');
    script.src = source;
    script.async = false; // the first is run first
    document.head.append(script);
  };
  let asked = false;
  const load = () => {
    const apart = document.querySelector('template.widget-state'); // the page's last element
    if (asked || !apart) return;
    asked = true;
    add(apart.dataset.source);
    add(`${here}@jupyter-widgets/html-manager/dist/embed-amd.js`);
  };
  window.addEventListener('beforeprint', load);
  window.addEventListener('keydown', (event) => { if (event.key === 'Tab') load(); });
  document.addEventListener('DOMContentLoaded', () => {
    const near = (places) => places.some((place) => place.isIntersecting) && load();
    const observer = new IntersectionObserver(near, { rootMargin: '1500px' });
    for (const view of document.querySelectorAll('script[type="application/vnd.jupyter.widget-view+json"]')) {
      observer.observe(view.parentElement);
    }
  });

  // Jupyter's sliders and pictures come without names: a slider takes its label's,
  // a picture the sentence that stands below it, a button what its icon means.
  const meant = { 'fa-play': 'Play or pause', 'fa-pause': 'Play or pause', 'fa-stop': 'Stop', 'fa-repeat': 'Repeat' };
  const name = () => {
    for (const icon of document.querySelectorAll('.jupyter-button:not([aria-label]) > i')) {
      const said = [...icon.classList].map((each) => meant[each]).find(Boolean);
      if (said) icon.parentElement.setAttribute('aria-label', said);
    }
    for (const slider of document.querySelectorAll('.widget-hslider')) {
      const label = slider.querySelector('.widget-label')?.textContent;
      const value = slider.querySelector('.widget-readout')?.textContent;
      const handle = slider.querySelector('.noUi-handle');
      if (!handle) continue;
      if (label) handle.setAttribute('aria-label', label);
      if (value && handle.getAttribute('aria-valuetext') !== value) handle.setAttribute('aria-valuetext', value);
    }
    for (const image of document.querySelectorAll('img.widget-image:not([alt])')) {
      const said = image.closest('.widget-vbox:has(.widget-html)')?.querySelector('.widget-html');
      if (said?.textContent.trim()) image.alt = said.textContent.trim();
    }
  };
  document.addEventListener('DOMContentLoaded', () => {
    let waiting = false;
    new MutationObserver(() => {
      if (waiting) return;
      waiting = true;
      requestAnimationFrame(() => { waiting = false; name(); });
    }).observe(document.body, { childList: true, subtree: true, characterData: true });
  });
})();
