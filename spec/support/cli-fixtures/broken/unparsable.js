import './unparsable-part.js';
