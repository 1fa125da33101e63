/** Sets the chosen theme before the first paint. Its text never changes, so that the content security policy can name its hash. */
export const themeScript =
  "try{var t=localStorage.getItem('theme');if(t==='light'||t==='dark')document.documentElement.dataset.theme=t}catch(e){}";
