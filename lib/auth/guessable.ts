/**
 * The passwords that are tried first, those with eight characters and more of the well-known lists, Latin and Russian ones; trailing digits
 * and marks do not save them.
 */
const common = new Set(
  `password passw0rd p@ssword p@ssw0rd qwertyui qwertyuiop qwerty qwerty123 1q2w3e4r 1q2w3e4r5t 1qaz2wsx zaq12wsx q1w2e3r4 q1w2e3r4t5
   asdfghjk asdfghjkl zxcvbnm zxcvbnmm iloveyou sunshine princess football baseball welcome superman batman trustno1 whatever
   starwars computer michelle jennifer internet samsung liverpool chelsea arsenal mustang corvette mercedes ferrari maverick
   charlie jordan jordan23 michael shadow dragon monkey master letmein administrator admin root adminadmin changeme secret
   default guest testtest test demo access passport passpass login blink182 metallica slipknot pokemon naruto minecraft
   fuckyou fuckyou1 asshole pussycat sweetheart babygirl lovely beautiful anthony andrew joshua matthew jessica ashley daniel
   hannah thomas robert richard charles victoria alexander aleksandr natasha nastya marina svetlana vladimir dmitriy sergey
   andrey maksim ekaterina yaroslav spartak zenit lokomotiv cska moskva moscow russia rossiya privet privetik parol
   пароль приветик привет йцукен йцукенгш йцукенгшщзх фывапролд ячсмить любовь солнышко наташа марина светлана владимир
   александр екатерина анастасия россия москва спартак зенит mailroom newsletter hello helloworld google googling facebook
   vkontakte yandex telegram whatsapp instagram youtube linkedin dropbox microsoft windows apple iphone android abcdefgh
   abcdefghi abcd1234 abc12345 a1b2c3d4 aa123456 a123456 qazwsx qazwsxedc wsxedc rfvtgb zxcvbn asdasd asdasdasd qweasd
   qweasdzxc qweqweqwe zxczxczxc killer soccer hockey summer winter autumn spring january february september october november
   december monday friday jesus jesuschrist godisgood blessed loveme lovelove forever friends family freedom chocolate
   cookie banana cheese pepper ginger snoopy tigger garfield matrix phoenix thunder eagle falcon cowboys yankees rangers
   nintendo playstation xbox360 gamer123 hunter2 hunter correcthorsebatterystaple`
    .split(/\s+/)
    .filter(Boolean),
);

const rows = [
  'qwertyuiop',
  'asdfghjkl',
  'zxcvbnm',
  'йцукенгшщзхъ',
  'фывапролджэ',
  'ячсмитьбю',
  'abcdefghijklmnopqrstuvwxyz',
  '01234567890',
];
const reversed = (text: string) => [...text].reverse().join('');

/** Lower case, without the digits and marks behind it. */
export function stemOf(password: string): string {
  return password.toLowerCase().replace(/[\d\W_]+$/u, (tail) => (/\p{L}/u.test(tail) ? tail : ''));
}

/** Is the password among those tried first: well known, one character repeated, or a row of the keyboard? */
export function guessable(password: string): boolean {
  const plain = password.toLowerCase();
  const stem = stemOf(plain);
  if (common.has(plain) || (stem.length >= 4 && common.has(stem))) return true;
  // A short piece over and over: aaaaaaaa, 12121212, abcabcabc.
  if (/^(.{1,4})\1+$/su.test(plain)) return true;
  return rows.some((row) => row.includes(plain) || reversed(row).includes(plain));
}
