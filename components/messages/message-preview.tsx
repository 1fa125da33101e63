import { useTranslations } from 'next-intl';
import type { Preview } from '@/lib/messages/schema';

const policy =
  "default-src 'none'; img-src http: https: data:; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'";

/**
 * The letter for a frame of its own: nothing in it runs, and nothing but pictures is loaded. `head` goes into its head; links lead
 * somewhere only where the frame's `sandbox` lets them.
 */
export function frameSource(html: string, head = ''): string {
  const guard = `<meta http-equiv="Content-Security-Policy" content="${policy}"><meta name="color-scheme" content="light">${head}`;
  return html.includes('<head>') ? html.replace('<head>', () => `<head>${guard}`) : guard + html;
}

/** A letter as its reader gets it: subject, the HTML in a frame that can do nothing, and the text part. */
export function MessagePreview({ subject, html, text }: Preview) {
  const t = useTranslations('messages.preview');
  return (
    <div className="overflow-hidden rounded-lg border border-line bg-surface">
      <p className="border-b border-line px-4 py-2.5 [overflow-wrap:anywhere]">
        <span className="mr-2 text-[0.8125rem] text-muted">{t('subject')}</span>
        <span className="font-semibold">{subject}</span>
      </p>
      <iframe
        title={t('letter')}
        sandbox=""
        srcDoc={frameSource(html)}
        // Paper is white in both themes: that is what mail programs show.
        className="block h-112 min-h-40 w-full resize-y bg-[#fff] [color-scheme:light]"
      />
      <details className="border-t border-line">
        <summary className="cursor-pointer px-4 py-2.5 text-[0.875rem] font-medium">
          {t('text')} <span className="ml-1 font-normal text-muted">{t('textHint')}</span>
        </summary>
        <pre className="max-h-112 overflow-auto border-t border-line px-4 py-3 font-mono text-[0.8125rem] whitespace-pre-wrap">
          {text}
        </pre>
      </details>
    </div>
  );
}
