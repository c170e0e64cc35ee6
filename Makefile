# mfa - one-time codes by SMS and voice
#
#   make && make install             build for, and install into, the server of PG_CONFIG
#   make installcheck                all tests that need a server: one that runs, with
#                                    shared_preload_libraries = 'mfa', and lets in any role
#   make tempcheck                   its SQL and isolation tests in a server of their own
#   make dist                        mfa-VERSION.zip, of what is committed, for PGXN
#   make -f ../../Makefile           in build/17, say: one build folder for each major version
#
# script/test does everything without touching the system. Warnings are errors; where another
# compiler has more of them, make WERROR=.

EXTENSION = mfa
MODULE_big = mfa

# PGXS only learns about a build folder further down, so find the source for the wildcards here.
top := $(or $(VPATH),$(patsubst %/,%,$(dir $(firstword $(MAKEFILE_LIST)))))
files = $(patsubst $(top)/%,%,$(sort $(wildcard $(addprefix $(top)/,$(1)))))

EXTVERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" $(top)/mfa.control)
DISTVERSION := $(shell sed -n 's/^  "version": "\(.*\)",/\1/p' $(top)/META.json)

# An extension's own scripts have `--` in their names, the regression tests do not.
DATA := $(call files,sql/mfa--*.sql)
OBJS := $(patsubst %.cpp,%.o,$(call files,src/*.cpp src/core/*.cpp src/core/providers/*.cpp))
REGRESS := $(patsubst sql/%.sql,%,$(filter-out $(DATA),$(call files,sql/*.sql)))
ISOLATION := $(patsubst test/isolation/specs/%.spec,%,$(call files,test/isolation/specs/*.spec))
ISOLATION_OPTS = --inputdir=$(srcdir)/test/isolation
TAP_TESTS := $(if $(call files,test/t/*.pl),1)
PROVE_TESTS = test/t/*.pl
EXTRA_CLEAN = $(OBJS:.o=.d) tempcheck.conf

PG_CONFIG ?= pg_config
server_includes := $(shell $(PG_CONFIG) --includedir-server)

# The server's headers are not ours to warn about; they still say `register`, which C++17 dropped.
WERROR = -Werror
PG_CPPFLAGS = -I$(top)/src -isystem$(server_includes) -DMFA_VERSION='"$(EXTVERSION)"' -MMD -MP
PG_CXXFLAGS = -std=c++20 -Wextra -Wno-register $(WERROR)
SHLIB_LINK += -lcurl -lssl -lcrypto -lstdc++

# make SANITIZE=address,undefined: for a server that has their runtime loaded (script/test --sanitize).
ifdef SANITIZE
PG_CXXFLAGS += -O1 -fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer
SHLIB_LINK += -fsanitize=$(SANITIZE)
endif

# make COVERAGE=1: each process that ends in order adds the lines that it has run to the .gcda files.
ifdef COVERAGE
PG_CXXFLAGS += -O0 --coverage
SHLIB_LINK += --coverage
endif

# No bitcode: its compiler does not see PG_CXXFLAGS, and no function here is worth inlining into a
# query. Dependencies are tracked here, since whether PGXS does depends on how the server was built.
override with_llvm := no
override autodepend :=

PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

# The wall: src/core is compiled where no PostgreSQL header can be found.
pg_includes = %$(server_includes) %$(includedir_internal)
src/core/%.o: override CPPFLAGS := $(filter-out $(pg_includes),$(CPPFLAGS))

# Absolute names, for VPATH would take the source's folders for those to be made.
object_dirs := $(addprefix $(CURDIR)/,$(sort $(dir $(OBJS))))
$(OBJS): | $(object_dirs)
$(object_dirs): ; @$(MKDIR_P) $@

# VPATH also finds the objects of a build in the source folder, be they of another major version.
ifneq ($(realpath $(top)),$(CURDIR))
ifneq (,$(call files,src/*.o))
$(error $(top) has been built in place: run "make clean" there first)
endif
endif

-include $(OBJS:.o=.d)

.PHONY: tempcheck results dist

# Installed, but not in a server that runs: pg_regress starts its own, on a socket in /tmp.
temp_instance = --temp-instance=$(CURDIR)/tmp_check$(1) --temp-config=$(CURDIR)/tempcheck.conf
tempcheck: all
	echo "shared_preload_libraries = 'mfa'" > tempcheck.conf
ifdef REGRESS
	$(pg_regress_installcheck) $(call temp_instance,) $(REGRESS_OPTS) $(REGRESS)
endif
ifdef ISOLATION
	$(pg_isolation_regress_installcheck) $(call temp_instance,_iso) $(ISOLATION_OPTS) $(ISOLATION)
endif

# Takes what the last run printed for what is expected. Read the diff before the commit.
results:
	for f in results/*.out; do test ! -e $$f || cp $$f $(srcdir)/expected/; done
	for f in output_iso/results/*.out; do test ! -e $$f || cp $$f $(srcdir)/test/isolation/expected/; done

dist:
	git -C $(srcdir) archive --format=zip --prefix=mfa-$(DISTVERSION)/ HEAD > mfa-$(DISTVERSION).zip

# make print-OBJS
print-%:
	@echo '$* = $($*)'
