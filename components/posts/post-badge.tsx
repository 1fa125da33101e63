import { useTranslations } from 'next-intl';
import { Badge, type Tone } from '@/components/ui/badge';
import type { PostState } from '@/lib/posts/schema';

const tones: Record<PostState, Tone> = {
  draft: 'neutral',
  scheduled: 'info',
  published: 'good',
  deleted: 'bad',
};

/** What an article is to its readers, in a word. */
export function PostBadge({ state }: { state: PostState }) {
  const t = useTranslations('posts.states');
  return <Badge tone={tones[state]}>{t(state)}</Badge>;
}
