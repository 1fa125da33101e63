/**
 * What moves in the frame of every page and in an article, by what stands in the page alone: `data-choose-theme`, `data-account`,
 * `data-read`, `a[hreflang]`. It looks at nothing outside of itself, because pages that are only read carry its text (`Alone`) and
 * neither React nor Next. Answers how to end it.
 */
export function alive(): () => void {
  const ending = new AbortController();
  const { signal } = ending;
  const root = document.documentElement;

  // The theme: as the system, light or dark, remembered in this browser.
  const markTheme = () => {
    for (const button of document.querySelectorAll<HTMLElement>('[data-choose-theme]'))
      button.setAttribute(
        'aria-pressed',
        String(button.dataset.chooseTheme === (root.dataset.theme ?? 'system')),
      );
  };
  const showTheme = (theme: string | null | undefined) => {
    if (theme === 'light' || theme === 'dark') root.dataset.theme = theme;
    else delete root.dataset.theme;
    markTheme();
  };
  const choose = (theme = 'system') => {
    showTheme(theme);
    try {
      if (theme === 'system') localStorage.removeItem('theme');
      else localStorage.setItem('theme', theme);
    } catch {
      // Storage may be forbidden: the choice then lasts as long as the page.
    }
  };
  markTheme();
  window.addEventListener('storage', ({ key, newValue }) => key === 'theme' && showTheme(newValue), {
    signal,
  });

  document.addEventListener(
    'click',
    ({ target }) => {
      if (!(target instanceof Element)) return;
      const button = target.closest<HTMLElement>('[data-choose-theme]');
      if (button) choose(button.dataset.chooseTheme);
      // The same page in the other language takes its query along.
      const link = target.closest<HTMLAnchorElement>('nav a[hreflang]');
      if (link) link.search = window.location.search;
    },
    { signal },
  );

  // Who is signed in. Public pages are the same for everybody, so the browser asks; until it knows, the visitor is a stranger.
  const askWho = () => {
    fetch('/api/auth/session', { cache: 'no-store', signal })
      .then((answer) => (answer.ok ? answer.json() : null))
      .then((session: unknown) => {
        const isMember =
          typeof session === 'object' && session !== null && 'user' in session && Boolean(session.user);
        root.toggleAttribute('data-member', isMember);
      })
      .catch(() => {
        // Nobody can tell: the links of a stranger lead to the right place too.
      });
  };
  if (document.querySelector('[data-account]')) {
    askWho();
    // A page that the back button brings back as it was may be older than a sign-out.
    window.addEventListener('pageshow', ({ persisted }) => persisted && askWho(), { signal });
  }

  // How often an article was read: said once, when it was in sight for a second, and shown as it is told. No cookies.
  const read = document.querySelector<HTMLElement>('[data-read]');
  let timer: number | undefined;
  let isSaid = false;
  const say = async (place: HTMLElement) => {
    isSaid = true;
    const { read: id, views: known, words } = place.dataset;
    const answer = await fetch(`/api/posts/${id}/view`, {
      method: 'POST',
      keepalive: true,
      credentials: 'omit',
    });
    const told: unknown = answer.status === 200 ? await answer.json() : null;
    const views = typeof told === 'object' && told !== null && 'views' in told ? Number(told.views) : 0;
    if (signal.aborted || !(views > Number(known))) return;
    // By the kind of number; `#` is the number.
    const wordOf = new Map<string, unknown>(Object.entries(JSON.parse(words ?? '{}')));
    const word = wordOf.get(new Intl.PluralRules(root.lang).select(views)) ?? wordOf.get('other');
    place.textContent = String(word).replace('#', new Intl.NumberFormat(root.lang).format(views));
  };
  const look = () => {
    window.clearTimeout(timer);
    // Nobody misses a number that does not come.
    if (read && !isSaid && document.visibilityState === 'visible')
      timer = window.setTimeout(() => void say(read).catch(() => {}), 1000);
  };
  look();
  document.addEventListener('visibilitychange', look, { signal });

  return () => {
    window.clearTimeout(timer);
    ending.abort();
  };
}
