// A classic script, for browsers that know no modules or lack what the modules need: it says
// so. It is written for them.
(function () {
  'use strict';
  var able = 'noModule' in document.createElement('script') &&
    'ReadableStream' in window && 'AbortSignal' in window && 'timeout' in window.AbortSignal &&
    'HTMLDialogElement' in window && 'at' in Array.prototype && 'ResizeObserver' in window;
  if (able) return;
  document.documentElement.className = 'is-old';
  var told = document.getElementById('old');
  if (told) told.hidden = false;
}());
