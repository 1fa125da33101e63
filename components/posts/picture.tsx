import { createElement } from 'react';
import { pictureAttributes } from '@/lib/uploads/schema';

/**
 * A picture of an article. Of our own making it has its size and narrower copies in its address; of others it has the size that is
 * known. Not `next/image`: nothing here is scaled when it is asked for, and a plain element needs no script.
 */
export function Picture({
  src,
  alt,
  width,
  height,
  sizes,
  isFirst = false,
  className,
}: {
  src: string;
  alt: string;
  width?: number | null | undefined;
  height?: number | null | undefined;
  /** How wide it is shown, as `sizes` of HTML says it. */
  sizes: string;
  /** What the eye falls on first: fetched at once. Any other comes when it is nearly in sight. */
  isFirst?: boolean | undefined;
  className?: string | undefined;
}) {
  const own = pictureAttributes(src);
  const size = own ?? (width && height ? { width, height } : {});
  const image = createElement('img', {
    src,
    alt,
    ...size,
    ...(own?.srcSet ? { sizes } : {}),
    decoding: 'async',
    loading: isFirst ? 'eager' : 'lazy',
    fetchPriority: isFirst ? 'high' : undefined,
    className,
  });
  // React has an eager picture fetched with every page that only links here, as soon as that link is fetched ahead; not one in here.
  return isFirst ? <picture className="contents">{image}</picture> : image;
}
