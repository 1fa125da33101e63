import { Image } from '@tiptap/extension-image';
import StarterKit from '@tiptap/starter-kit';
import { LiquidText } from './liquid-extension';

/** What a letter may be made of in the visual editor. */
export const editorExtensions = [
  StarterKit.configure({
    heading: { levels: [1, 2, 3] },
    link: {
      openOnClick: false,
      defaultProtocol: 'https',
      HTMLAttributes: { target: null, rel: null, class: null },
      isAllowedUri: (url, { defaultValidate }) => /^\s*\{\{/.test(url) || defaultValidate(url),
    },
  }),
  // In the line, so that a picture can be a link.
  Image.configure({ inline: true }),
  LiquidText,
];
