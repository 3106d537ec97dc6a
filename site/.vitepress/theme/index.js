import DefaultTheme from 'vitepress/theme';
import { h } from 'vue';
import './style.css';

/** The theme's own page for an unknown address has no landmark (WCAG 1.3.1), and a link with another name than its text. */
const notFound = () =>
  h('main', { class: 'not-found' }, [
    h('h1', '404: there is no such page'),
    h('p', h('a', { href: '/' }, 'To the documentation')),
  ]);

export default {
  extends: DefaultTheme,
  Layout: () => h(DefaultTheme.Layout, null, { 'not-found': notFound }),
};
