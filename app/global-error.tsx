'use client';

import './globals.css';

// The catalogues may be what is broken, so these few sentences stand here.
const sentences = {
  en: {
    title: 'Something went wrong',
    body: 'It is our fault, not yours. Try once more.',
    again: 'Try again',
  },
  ru: {
    title: 'Что-то пошло не так',
    body: 'Это наша вина, а не ваша. Попробуйте ещё раз.',
    again: 'Попробовать ещё раз',
  },
};

/** When not even the frame of the pages could be made. */
export default function GlobalError({ reset }: { error: Error; reset: () => void }) {
  const russian = typeof window !== 'undefined' && /^\/ru(\/|$)/.test(window.location.pathname);
  const order = russian ? (['ru', 'en'] as const) : (['en', 'ru'] as const);
  return (
    <html lang={order[0]}>
      <body className="mx-auto grid max-w-xl gap-8 px-4 py-16">
        <title>Mailroom</title>
        {order.map((locale) => (
          <div key={locale} lang={locale}>
            <h1 className="text-2xl font-semibold">{sentences[locale].title}</h1>
            <p className="mt-2 text-muted">{sentences[locale].body}</p>
            <button
              type="button"
              onClick={reset}
              className="mt-4 rounded-md border border-edge px-3 py-1.5 font-medium"
            >
              {sentences[locale].again}
            </button>
          </div>
        ))}
      </body>
    </html>
  );
}
