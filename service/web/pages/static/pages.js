// Optional: every page works without this file. Four helps for slow phones:
// the waiting pages renew themselves in place, a form is sent once, a large photo is made smaller first,
// and the list of errors is where the keyboard stands. The words come from the page, in its language.

const TOLD_EVERY = 30_000; // a screen reader hears of a changed place at most this often
const SLOW_AFTER = 20_000; // then a form counts as not sent yet
const LEAST_WAIT = 2_000;
const HIDDEN_WAIT = 30_000; // a page that nobody sees asks less often
const LONGEST_WAIT = 60_000; // who asks less often counts as gone, and the line as shorter than it is
const PHOTO_BYTES = 200 * 1024;
const PHOTO_WIDTH = 1600; // the small print of an identity card is still readable
const PHOTO_PATIENCE = 15_000; // a phone that needs longer sends the original

const say = document.getElementById('say');
const words = document.body.dataset;

// The error summary.

document.querySelector('[role=alert][tabindex]')?.focus();

// Waiting pages: <main data-refresh="seconds">, what is told stands in [data-say].

let told = '';
let toldAt = -TOLD_EVERY;
let failures = 0;
let pause = 0; // what a busy server asked for
let timer = 0;

const spokenText = (main) => main.querySelector('[data-say]')?.textContent.trim().replace(/\s+/g, ' ') ?? '';

function tell(main) {
  const text = spokenText(main);
  const urgent = 'urgent' in (main.querySelector('[data-say]')?.dataset ?? {}); // the turn has come
  if (!say || !text || text === told || (!urgent && performance.now() - toldAt < TOLD_EVERY)) return;
  told = text;
  toldAt = performance.now();
  say.textContent = text;
}

function arm() {
  clearTimeout(timer);
  const every = Number(document.querySelector('main')?.dataset.refresh);
  if (!every) return;
  const least = Math.max(every * 1000, LEAST_WAIT, document.hidden ? HIDDEN_WAIT : 0);
  // The server tells each phone another second. After a failure of all of them it cannot: then chance spreads them.
  const spread = failures ? 0.25 + Math.random() : 1 + Math.random() / 30;
  const wait = Math.max(least, Math.min(least * 2 ** failures, LONGEST_WAIT)) * spread;
  timer = setTimeout(renew, Math.max(wait, pause * (1 + Math.random() / 10)));
}

async function renew() {
  const old = document.querySelector('main');
  try {
    const answer = await fetch(location.href, { cache: 'no-store', signal: AbortSignal.timeout(SLOW_AFTER) });
    if (answer.redirected && new URL(answer.url).pathname !== location.pathname) {
      location.assign(answer.url);
      return;
    }
    pause = 1000 * (Number(answer.headers.get('Retry-After')) || 0);
    if (!answer.ok) throw new Error(String(answer.status));
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
    const fresh = page.querySelector('main');
    if (!fresh) throw new Error('no main');
    const focused = old.contains(document.activeElement) ? document.activeElement.id : '';
    if (!document.querySelector('form[data-sending]')) {
      old.replaceWith(document.adoptNode(fresh));
      document.title = page.title;
      if (focused) document.getElementById(focused)?.focus();
      tell(fresh);
    }
    failures = 0;
  } catch {
    failures = Math.min(failures + 1, 4); // the page stays as it is; it says of when it is
  }
  arm();
}

told = spokenText(document);
arm();
document.addEventListener('visibilitychange', () => {
  if (!document.hidden && timer) arm();
});

// Forms: sent once; after 20 seconds the button is free again and the page says so.

function lock(form, button) {
  form.dataset.sending = '';
  button?.setAttribute('aria-disabled', 'true');
  notice(form, words.sending, 'busy');
  const photo = form.querySelector('input[type=file]');
  form.giveUp = setTimeout(() => {
    if (photo) return notice(form, words.photoSlow, 'busy'); // a photo may take minutes: it is under way
    unlock(form);
    notice(form, words.unsent, 'unsent');
  }, SLOW_AFTER);
}

function unlock(form) {
  clearTimeout(form.giveUp);
  delete form.dataset.sending;
  form.querySelector('[aria-disabled]')?.removeAttribute('aria-disabled');
  form.querySelector('.sending')?.remove();
}

function notice(form, text, kind) {
  if (!text) return;
  const line = form.querySelector('.sending') ?? form.appendChild(document.createElement('p'));
  line.className = `sending ${kind}`;
  line.setAttribute('role', 'status');
  line.textContent = text;
}

document.addEventListener('submit', (event) => {
  const form = event.target;
  if (form.method !== 'post') return;
  if ('sending' in form.dataset) {
    event.preventDefault();
    return;
  }
  lock(form, event.submitter);
  const photo = form.querySelector('input[type=file]');
  const file = photo?.files[0];
  if (!file || file.size <= PHOTO_BYTES) return;
  event.preventDefault();
  patience(smaller(file))
    .then((small) => {
      const files = new DataTransfer();
      files.items.add(small);
      photo.files = files.files;
    })
    .catch(() => {}) // whatever it was, the original is sent
    .then(() => form.submit());
});

// Coming back by the browser's back button shows the page as it was left: still locked.
addEventListener('pageshow', (event) => {
  if (event.persisted) document.querySelectorAll('form[data-sending]').forEach(unlock);
});

// Photos.

const patience = (work) =>
  Promise.race([work, new Promise((_, give) => setTimeout(give, PHOTO_PATIENCE, new Error('too slow')))]);

// A JPEG of at most PHOTO_BYTES, turned as the camera meant, without the place where it was taken.
async function smaller(file) {
  const picture = await createImageBitmap(file, {
    imageOrientation: 'from-image',
    resizeWidth: PHOTO_WIDTH,
    resizeQuality: 'medium',
  });
  const canvas = document.createElement('canvas');
  for (let scale = 1; scale > 0.3; scale *= 0.75) {
    canvas.width = Math.round(picture.width * scale);
    canvas.height = Math.round(picture.height * scale);
    canvas.getContext('2d').drawImage(picture, 0, 0, canvas.width, canvas.height);
    for (const quality of [0.85, 0.7, 0.55]) {
      const blob = await new Promise((done) => canvas.toBlob(done, 'image/jpeg', quality));
      if (blob && blob.size <= PHOTO_BYTES) return new File([blob], 'foto.jpg', { type: 'image/jpeg' });
    }
  }
  throw new Error('cannot be made smaller');
}
