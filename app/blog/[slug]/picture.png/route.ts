import { sharePicture } from '@/components/posts/share-picture';
import { cachedPost } from '@/lib/posts/cache';

export const dynamic = 'force-static';
export const revalidate = 60;

/** None while building: each picture is drawn when it is asked for first. */
export function generateStaticParams(): { slug: string }[] {
  return [];
}

/** What an article is shown as where its address is shared. */
export async function GET(_request: Request, { params }: { params: Promise<{ slug: string }> }) {
  const post = await cachedPost((await params).slug);
  if (!post) return new Response(null, { status: 404 });
  return sharePicture(post);
}
