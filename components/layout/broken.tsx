'use client';

import { createContext, type ReactNode, useContext, useEffect, useRef } from 'react';
import { buttonStyle } from '@/components/ui/button-style';
import { MessagePage } from './message-page';

/** `body` has `{id}` where the number of the surprise stands. */
type Words = { title: string; body: string; again: string };

const Sentences = createContext<Words>({ title: '', body: '', again: '' });

/** Says beforehand what is said when something breaks: then nobody is left to ask for words. */
export function BrokenGround({ words, children }: { words: Words; children: ReactNode }) {
  return <Sentences value={words}>{children}</Sentences>;
}

/** A surprise: says so plainly, with the number under which the server wrote it down, and offers another try. */
export function Broken({ digest, retry }: { digest: string | undefined; retry: () => void }) {
  const { title, body, again } = useContext(Sentences);
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => box.current?.focus(), []);
  return (
    <div ref={box} tabIndex={-1} role="alert" className="outline-none">
      <MessagePage
        title={title}
        actions={
          <button type="button" onClick={retry} className={buttonStyle({ variant: 'primary' })}>
            {again}
          </button>
        }
      >
        <p>{body.replace('{id}', digest ?? '–')}</p>
      </MessagePage>
    </div>
  );
}
