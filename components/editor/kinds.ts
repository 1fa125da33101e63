import { Image } from '@tiptap/extension-image';
import type { Extensions } from '@tiptap/react';
import StarterKit from '@tiptap/starter-kit';
import type { UploadPurpose } from '@/db/enums';
import { LiquidText } from './liquid-extension';

/** What is written: a letter for mail programs, with Liquid in it, or an article of the blog. */
export type EditorKind = 'letter' | 'article';
export type HeadingLevel = 1 | 2 | 3 | 4;

/** How a letter looks while it is written: near to what mail programs make of bare HTML. */
const letterTypography = [
  'text-[0.9375rem] leading-relaxed [overflow-wrap:anywhere]',
  '[&_p]:my-2 [&>*:first-child]:mt-0! [&_h1]:mt-4 [&_h1]:mb-2 [&_h1]:text-2xl [&_h1]:font-bold',
  '[&_h2]:mt-4 [&_h2]:mb-2 [&_h2]:text-xl [&_h2]:font-bold [&_h3]:mt-3 [&_h3]:mb-1.5 [&_h3]:text-lg [&_h3]:font-semibold',
  '[&_ul]:my-2 [&_ul]:list-disc [&_ul]:pl-6 [&_ol]:my-2 [&_ol]:list-decimal [&_ol]:pl-6 [&_li_p]:my-0.5',
  '[&_blockquote]:my-2 [&_blockquote]:border-l-3 [&_blockquote]:border-edge/60 [&_blockquote]:pl-3 [&_blockquote]:text-muted',
  '[&_a]:text-accent [&_a]:underline [&_hr]:my-4 [&_hr]:border-line [&_img]:inline [&_img]:h-auto [&_img]:max-w-full',
  '[&_code]:rounded-sm [&_code]:bg-sunken [&_code]:px-1 [&_code]:font-mono [&_pre]:rounded-md [&_pre]:bg-sunken [&_pre]:p-3',
].join(' ');

/** In text the browser writes `>` of Liquid as `&gt;`; inside the braces it is put back, as its writer typed it. */
function plainLiquid(html: string): string {
  return html.replace(/\{\{[^{}]*\}\}|\{%[^{}]*?%\}/g, (tag) =>
    tag.replaceAll('&gt;', '>').replaceAll('&nbsp;', ' '),
  );
}

const bareLink = { target: null, rel: null, class: null };

/** What the visual editor can do with each kind, and how it looks while it is written. */
export const kinds: Record<
  EditorKind,
  {
    extensions: Extensions;
    headings: HeadingLevel[];
    /** Has places for what differs from client to client. */
    hasVariables: boolean;
    hasCode: boolean;
    /** What its pictures are stored for. */
    pictures: UploadPurpose;
    /** Pixels that a picture may be wide; wider ones are shown this wide. */
    pictureWidth: number;
    typography: string;
    /** The editor's HTML as it is kept. */
    write: (html: string) => string;
  }
> = {
  letter: {
    extensions: [
      StarterKit.configure({
        heading: { levels: [1, 2, 3] },
        link: {
          openOnClick: false,
          defaultProtocol: 'https',
          HTMLAttributes: bareLink,
          isAllowedUri: (url, { defaultValidate }) => /^\s*\{\{/.test(url) || defaultValidate(url),
        },
      }),
      // In the line, so that a picture can be a link.
      Image.configure({ inline: true }),
      LiquidText,
    ],
    headings: [1, 2, 3],
    hasVariables: true,
    hasCode: false,
    pictures: 'letter',
    // Some mail programs show pictures as wide as they are.
    pictureWidth: 600,
    typography: letterTypography,
    write: plainLiquid,
  },
  article: {
    extensions: [
      StarterKit.configure({
        heading: { levels: [2, 3, 4] },
        link: { openOnClick: false, defaultProtocol: 'https', HTMLAttributes: bareLink },
      }),
      Image.configure({ inline: true }),
    ],
    headings: [2, 3, 4],
    hasVariables: false,
    hasCode: true,
    pictures: 'post',
    pictureWidth: 1920,
    // As it is published.
    typography: 'article mt-0! [overflow-wrap:anywhere]',
    write: (html) => html,
  },
};
