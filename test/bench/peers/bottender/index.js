// The lightest bot there is: what is measured is Bottender's own server.
module.exports = async function App() {};
