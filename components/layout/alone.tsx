import type { aloneType } from '@/lib/cache/light';
import { alive } from './alive';

/** Checked against the name that the server looks for. */
const type: typeof aloneType = 'mailroom/alone';

/** Which pages a browser may fetch when somebody is about to open them: those that anybody may read. */
const ahead = {
  prefetch: [
    { where: { href_matches: ['/', '/ru', '/en', '{/(ru|en)}?/blog{/*}?'] }, eagerness: 'moderate' },
  ],
};

/**
 * Says that the page around it can be read, pressed and counted without React and Next: whoever sends it leaves their scripts out and
 * lets this one run instead (`lib/cache/light`). Where nobody does, it is nothing to a browser.
 */
export function Alone() {
  return (
    <>
      <script type={type}>{`(${alive})()`}</script>
      <script type="speculationrules">{JSON.stringify(ahead)}</script>
    </>
  );
}
