import 'no-such-package/sub';
