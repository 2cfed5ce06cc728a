// Package story is the kit of the tests that run the real program: it builds the
// program once, runs it in processes of its own, and plays scripts against it.
//
// Each folder of test/stories is one package of such tests. Its scripts are
// *.txtar files, in the language of testscript with the commands of commands.go;
// what a script can't say is Go. A story runs the program without the race
// detector, but for those in test/stories/race.
package story
