import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { ImageResponse } from 'next/og';
import { formatDay } from '@/lib/format';
import type { Locale } from '@/lib/i18n/paths';
import { pictureSize } from '@/lib/posts/schema';

/** The letters that the files below have. What stands for any other would be asked of servers elsewhere. */
const drawable =
  /[^\u0020-\u007e\u00a0-\u00ff\u0131\u0152\u0153\u02bc\u02c6\u02da\u02dc\u0401-\u040c\u040e-\u044f\u0451-\u045c\u045e\u045f\u0490\u0491\u2010-\u2015\u2018-\u201e\u2020-\u2022\u2026\u2030\u2039\u203a\u2044\u20ac\u20bd\u2116\u2122\u2212]/g;
const letters = (text: string) => text.normalize('NFC').replace(drawable, '').replace(/\s+/g, ' ').trim();

const subsets = ['latin', 'latin-ext', 'cyrillic'] as const;
const weights = [400, 600] as const;
let fonts: Promise<{ name: string; data: Buffer; weight: (typeof weights)[number] }[]> | undefined;

/** Golos Text from the package, read once. */
function golos() {
  fonts ??= Promise.all(
    weights.flatMap((weight) =>
      subsets.map(async (subset) => ({
        name: `Golos ${subset}`,
        weight,
        data: await readFile(
          path.join(
            process.cwd(),
            'node_modules/@fontsource/golos-text/files',
            `golos-text-${subset}-${weight}-normal.woff`,
          ),
        ),
      })),
    ),
  );
  return fonts;
}

const ink = '#1d1a16';
const vermilion = '#bf3517';

/** The smaller the longer it is; longer still, it ends in an ellipsis. */
function titleSize({ length }: { length: number }): number {
  if (length <= 40) return 84;
  return length <= 80 ? 68 : 54;
}

/**
 * The picture of an article, or of the blog where there is none, for those who show an address as a card: PNG, 1200 × 630. Drawn from
 * what is on this machine alone; letters that the typeface lacks are left out.
 */
export async function sharePicture(
  post: { title: string; author: string | null; publishedAt: string; language: Locale } | null,
): Promise<ImageResponse> {
  const title = post ? letters(post.title) : '';
  const byline = post
    ? letters([formatDay(post.language, post.publishedAt, 'UTC'), post.author].filter(Boolean).join(' · '))
    : '';
  return new ImageResponse(
    <div
      style={{
        display: 'flex',
        flexDirection: 'column',
        justifyContent: 'space-between',
        width: '100%',
        height: '100%',
        padding: '64px 72px',
        background: '#faf7f1',
        borderBottom: `16px solid ${vermilion}`,
        color: ink,
        fontFamily: subsets.map((subset) => `Golos ${subset}`).join(', '),
      }}
    >
      <div style={{ display: 'flex', alignItems: 'center', gap: 20, fontSize: 40, fontWeight: 600 }}>
        <svg
          aria-hidden="true"
          width="72"
          height="72"
          viewBox="0 0 32 32"
          fill="none"
          stroke={vermilion}
          strokeLinecap="round"
        >
          <circle cx="12.5" cy="16" r="9.75" strokeWidth="2" />
          <circle cx="12.5" cy="16" r="5.75" strokeWidth="1.25" strokeDasharray="1.5 2.1" />
          <path
            d="M22.9 11.2c1.6-1.1 2.7-1.1 4.1 0s2.5 1.1 3.5.3M23.6 16c1.5-1 2.5-1 3.6 0s2.3 1 3.3.2M22.9 20.8c1.6-1.1 2.7-1.1 4.1 0s2.5 1.1 3.5.3"
            strokeWidth="1.75"
          />
          <path d="M9.4 18.4v-4.6l3.1 2.9 3.1-2.9v4.6" strokeWidth="1.75" strokeLinejoin="round" />
        </svg>
        {title ? 'Mailroom' : null}
      </div>
      <div
        style={{
          display: 'block',
          fontSize: title ? titleSize(title) : 132,
          fontWeight: 600,
          lineHeight: 1.15,
          letterSpacing: '-0.02em',
          lineClamp: 5,
          wordBreak: 'break-word',
        }}
      >
        {title || 'Mailroom'}
      </div>
      <div style={{ display: 'flex', fontSize: 32, color: '#655e54' }}>{byline}</div>
    </div>,
    { ...pictureSize, fonts: await golos() },
  );
}
