import { findLocalImage, imageLifeSeconds } from '@/lib/uploads/storage';

type Props = { params: Promise<{ name: string }> };

/** What holds for every answer here: it is what it says it is, and whatever it is, it acts on nothing. */
const headers = {
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; sandbox",
};

/**
 * Pictures of letters, for anybody who has the address: whoever reads the letter is not signed in. Serves what this machine
 * keeps; everything else is not found.
 */
export async function GET(_request: Request, { params }: Props): Promise<Response> {
  const image = await findLocalImage((await params).name);
  if (!image)
    return new Response('Not found\n', {
      status: 404,
      headers: { ...headers, 'content-type': 'text/plain', 'cache-control': 'no-store' },
    });
  return new Response(image.bytes, {
    headers: {
      ...headers,
      'content-type': image.type,
      'content-length': String(image.bytes.length),
      'content-disposition': 'inline',
      'cross-origin-resource-policy': 'cross-origin',
      'cache-control': `public, max-age=${imageLifeSeconds}, immutable`,
    },
  });
}
