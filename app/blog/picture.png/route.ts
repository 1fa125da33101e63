import { sharePicture } from '@/components/posts/share-picture';

export const dynamic = 'force-static';

/** What the blog is shown as where its address is shared: the same for ever. */
export function GET() {
  return sharePicture(null);
}
